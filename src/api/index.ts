export { API_GROUP, API_VERSION, KIND } from "./group.ts";
export { ManifestError, type ManifestProblem } from "./manifest-error.ts";
export { parseManifest } from "./parse-manifest.ts";
export { parseTomcatCluster } from "./parse-tomcat-cluster.ts";
export { type ReplicationMode, type TomcatCluster, type TomcatClusterManifest, tomcatClusterSchema } from "./tomcat-cluster.ts";
export { TOMCAT_CLUSTER_RULES, type TomcatClusterRule } from "./tomcat-cluster-rules.ts";
