export { ListenError, PortInUseError } from "./errors.ts";
export { HttpConnector, type HttpConnectorDeps, type HttpConnectorOptions } from "./http/http-connector.ts";
