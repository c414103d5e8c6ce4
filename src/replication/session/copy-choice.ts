// Which of two copies of a session stays (rule 11).

export interface OwnCopy {
  readonly version: number;
  readonly primary: boolean;
  readonly inUse: boolean;
  /** Milliseconds, the clock of the worker that used it. */
  readonly lastUsedMs: number;
}

export interface OfferedCopy {
  /** Whether it comes from the member that served the session last, as far as is known here. */
  readonly fromItsServer: boolean;
  /** 0: its sender does not count (a Tomcat). */
  readonly version: number;
  readonly thisAccessedTime: number;
}

/** `KeepAndTell`: the other is as new or newer by count, yet ours is the one in use: the others have to take it over. */
export type CopyChoice = "Take" | "Keep" | "KeepAndTell";

/**
 * Who served a session last knows it best, unless it is in use here. Else the higher version wins, then the later access; but a
 * primary that was used later keeps its own. All members decide alike from the same numbers, and whoever keeps a lower version
 * raises it above the other's, so that all copies end up equal.
 */
export function chooseCopy(own: OwnCopy, offered: OfferedCopy): CopyChoice {
  const usedLater = own.primary && own.lastUsedMs > offered.thisAccessedTime;
  if (offered.fromItsServer && !own.primary && !own.inUse) return "Take";
  if (offered.version === 0) return usedLater ? "Keep" : "Take";
  if (usedLater) return offered.version >= own.version ? "KeepAndTell" : "Keep";
  if (offered.version !== own.version) return offered.version > own.version ? "Take" : "Keep";
  // The same count: the same content, unless both were primary. A request that runs here is not disturbed for it.
  return own.inUse || offered.thisAccessedTime < own.lastUsedMs ? "Keep" : "Take";
}
