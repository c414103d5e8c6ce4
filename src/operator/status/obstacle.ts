// What keeps a cluster from being as its spec says until a person acts.
import { TomcatClusterError } from "../../base/index.ts";
import { ServerXmlError } from "../../config/index.ts";
import { ApiError } from "../../kube/index.ts";
import type { Reason } from "./reasons.ts";

export interface Obstacle {
  readonly reason: Extract<
    Reason,
    "InvalidSpec" | "InvalidServerXml" | "ReferenceMissing" | "NameClash" | "KindUnknown" | "RevisionUnknown" | "Refused"
  >;
  readonly message: string;
}

/** Thrown on the way where an obstacle is met; becomes the condition Stalled. */
export class ObstacleError extends TomcatClusterError {
  readonly code = "OBSTACLE";
  readonly reason: Obstacle["reason"];

  constructor({ reason, message }: Obstacle) {
    super(message);
    this.reason = reason;
  }
}

/** Statuses of an API server, or of an admission webhook, that will not have what it is sent. */
const REFUSALS: ReadonlySet<number> = new Set([400, 403, 413, 422]);

/** Undefined for a failure that may pass by itself. */
export function obstacleOf(error: unknown): Obstacle | undefined {
  if (error instanceof ObstacleError) return { reason: error.reason, message: error.message };
  if (error instanceof ServerXmlError) return { reason: "InvalidServerXml", message: error.message };
  if (!(error instanceof ApiError)) return undefined;
  // A failure that is none to try again is what it says of a field that a kind does not have, which podOverlay may bring.
  const isRefusal = REFUSALS.has(error.statusCode) || (error.statusCode >= 500 && !error.retryable);
  return isRefusal ? { reason: "Refused", message: error.message } : undefined;
}
