// Every balancing method by the name that settings give it.
import type { BalancingMethod } from "./balancing-method.ts";
import { ByRequests } from "./by-requests.ts";

export const BALANCING_METHODS = {
  ByRequests: () => new ByRequests(),
} as const satisfies Record<string, () => BalancingMethod>;
