export { ManagementPortError } from "./management-port-error.ts";
export {
  ManagementServer,
  type ManagementServerOptions,
  type Page,
  type ReadinessCheck,
  STATE_HEADER,
  sendJson,
  sendText,
} from "./management-server.ts";
