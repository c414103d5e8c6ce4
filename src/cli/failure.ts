// What a person reads when a command fails.
import { inspect } from "node:util";
import { systemErrorCode, TomcatClusterError } from "../base/index.ts";

/** What Node throws when it cannot listen. */
interface ListenFailure extends Error {
  readonly address: string;
  readonly port: number;
}

/** The message alone for failures that the message explains; the stack too for what should not happen, or with --debug. */
export function describeFailure(error: unknown, options: { readonly debug: boolean }): string {
  if (options.debug || !(error instanceof Error)) return inspect(error);
  if (isPortInUse(error)) {
    return `Port ${error.port} on ${error.address} is in use by another process: stop that one, or choose another port`;
  }
  const explained = error instanceof TomcatClusterError || (systemErrorCode(error) !== undefined && "syscall" in error);
  return explained ? error.message : `Internal error, please report it: ${inspect(error)}`;
}

function isPortInUse(error: Error): error is ListenFailure {
  return systemErrorCode(error) === "EADDRINUSE" && "address" in error && "port" in error;
}
