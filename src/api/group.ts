// Names under which Kubernetes knows the resource. Labels, annotations and the field manager derive from the group.

export const API_GROUP = "tribes.dev";
export const API_VERSION = `${API_GROUP}/v1alpha1` as const;
export const KIND = "TomcatCluster";
