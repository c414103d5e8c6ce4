// What a person reads when a command fails.
import { inspect } from "node:util";
import { systemErrorCode, TomcatClusterError } from "../base/index.ts";

/** The message alone for failures that the message explains; the stack too for what should not happen, or with --debug. */
export function describeFailure(error: unknown, options: { readonly debug: boolean }): string {
  if (options.debug || !(error instanceof Error)) return inspect(error);
  const explained = error instanceof TomcatClusterError || (systemErrorCode(error) !== undefined && "syscall" in error);
  return explained ? error.message : `Internal error, please report it: ${inspect(error)}`;
}
