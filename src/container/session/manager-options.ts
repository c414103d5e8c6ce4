// A manager's options from its context and the attributes that server.xml gives it.
import type { Context } from "../context.ts";
import type { ManagerOptions } from "./manager-base.ts";

/** For managers of a context: attributes of its own Manager element, else those given (a cluster's template). */
export function managerOptionsOf(context: Context, template?: Readonly<Record<string, unknown>>): ManagerOptions {
  const attributes = context.defaults.manager?.attributes ?? template ?? {};
  const maxActiveSessions = attributes.maxActiveSessions;
  const processExpiresFrequency = attributes.processExpiresFrequency;
  return {
    name: context.name,
    jvmRoute: context.jvmRoute,
    sessionTimeoutSeconds: context.sessionTimeoutSeconds,
    ...(typeof maxActiveSessions === "number" ? { maxActiveSessions } : {}),
    ...(typeof processExpiresFrequency === "number" ? { processExpiresFrequency } : {}),
  };
}
