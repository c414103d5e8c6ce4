export { ManagementServer, type ManagementServerOptions, type Page, type ReadinessCheck, sendJson, sendText } from "./management-server.ts";
