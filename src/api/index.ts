export { customResourceDefinitionYaml, tomcatClusterCustomResourceDefinition } from "./custom-resource-definition.ts";
export { API_GROUP, API_VERSION, KIND } from "./group.ts";
export { ManifestError, type ManifestProblem } from "./manifest-error.ts";
export { parseManifest } from "./parse-manifest.ts";
export { parseTomcatCluster } from "./parse-tomcat-cluster.ts";
export type { PodTemplate } from "./pod-template-schema.ts";
export { type ReplicationMode, type TomcatCluster, type TomcatClusterManifest, tomcatClusterSchema } from "./tomcat-cluster.ts";
export { API_SERVER_RULES, TOMCAT_CLUSTER_RULES, type TomcatClusterRule } from "./tomcat-cluster-rules.ts";
export {
  CONDITION_TYPES,
  type ConditionType,
  ROTATION_PHASES,
  type TomcatClusterStatus,
  tomcatClusterStatusSchema,
} from "./tomcat-cluster-status.ts";
