// The root of every error of ours: a stable code, whether trying again can help, and the cause.

export abstract class TomcatClusterError extends Error {
  /** Stable and upper case with underscores; scripts and metrics may rely on it. */
  abstract readonly code: string;
  /** True when the same operation may succeed later without anybody changing anything. */
  readonly retryable: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Why a file could not be read, in a few words. */
export function fileErrorReason(error: unknown): string {
  switch (systemErrorCode(error)) {
    case "ENOENT":
      return "there is no such file";
    case "EISDIR":
      return "it is a folder";
    case "EACCES":
      return "this user may not read it";
    default:
      return asError(error).message;
  }
}

/** The system's code of an error ("ECONNREFUSED"), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
