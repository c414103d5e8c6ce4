// What keeps a cluster from being as its spec says until a person acts.
import { TomcatClusterError } from "../../base/index.ts";
import { ServerXmlError } from "../../config/index.ts";
import { isApiError } from "../../kube/index.ts";
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

/** Undefined for a failure that may pass by itself. */
export function obstacleOf(error: unknown): Obstacle | undefined {
  if (error instanceof ObstacleError) return { reason: error.reason, message: error.message };
  if (error instanceof ServerXmlError) return { reason: "InvalidServerXml", message: error.message };
  if (isApiError(error, "Invalid") || isApiError(error, "Forbidden")) return { reason: "Refused", message: error.message };
  return undefined;
}
