// The failure of reading an answer.
import { TomcatClusterError } from "../../base/index.ts";

/** A worker answered something that is not HTTP/1.1 as a gateway may pass it on, or more than the limits allow. */
export class ResponseError extends TomcatClusterError {
  readonly code = "RESPONSE_NOT_UNDERSTOOD";
}
