export { OutsideOfWorkerError } from "./errors.ts";
export { TomcatClusterStore, type TomcatClusterStoreOptions } from "./tomcat-cluster-store.ts";
