export { type BalancerPlace, desiredBalancerSettings } from "./balancer-settings.ts";
export {
  balancerConfigMapName,
  balancerName,
  CHANNEL_PORT_NAME,
  HTTP_PORT_NAME,
  MANAGEMENT_PORT,
  membersServiceName,
  podName,
  podNames,
  statefulSetName,
  WORKER_HTTP_PORT,
  workersConfigMapName,
  workersRecordName,
  workersServiceName,
} from "./names.ts";
export { CHANNEL_KEY_DIRECTORY, desiredServerXml, type ServerXmlPlace, WORKER_ENVIRONMENT } from "./server-xml.ts";
