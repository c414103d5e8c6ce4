// What can go wrong when the management port is opened.
import { asError, systemErrorCode, TomcatClusterError } from "../base/index.ts";

/** Thrown when the management server cannot listen. */
export class ManagementPortError extends TomcatClusterError {
  readonly code = "MANAGEMENT_PORT";

  /** `address`: undefined is every address. */
  constructor(address: string | undefined, port: number, cause: unknown) {
    const place = address === undefined ? `port ${port}` : `"${address}:${port}"`;
    super(`The management port cannot be opened on ${place}: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  switch (systemErrorCode(cause)) {
    case "EADDRINUSE":
      return "another process has it; stop that one, or choose another management port or address";
    case "EADDRNOTAVAIL":
      return "this machine does not have that address; choose another management address";
    case "EACCES":
      return "this user may not open ports below 1024; choose another management port";
    default:
      return asError(cause).message;
  }
}
