// What can go wrong when a connector starts.
import { TomcatClusterError } from "../base/index.ts";

/** Thrown when somebody else listens on the connector's address and port. */
export class PortInUseError extends TomcatClusterError {
  readonly code = "PORT_IN_USE";

  constructor(address: string, port: number, options: ErrorOptions) {
    super(`"${address}:${port}" is in use by another process: stop it, or give the Connector another port`, options);
  }
}

/** Thrown when the address cannot be bound for another reason: it is not this machine's, or the port needs privileges. */
export class ListenError extends TomcatClusterError {
  readonly code = "LISTEN";

  constructor(address: string, port: number, reason: string, options: ErrorOptions) {
    super(`The Connector cannot listen on "${address}:${port}": ${reason}`, options);
  }
}
