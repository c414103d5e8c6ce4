// What the operator may do, as rules of a ClusterRole: nothing more than it needs, and no list of Secrets.

const READ = ["get", "list", "watch"];
const OWN = [...READ, "create", "patch", "delete"];

export const OPERATOR_RULES = [
  { apiGroups: ["tribes.dev"], resources: ["tomcatclusters"], verbs: READ },
  { apiGroups: ["tribes.dev"], resources: ["tomcatclusters/status"], verbs: ["patch"] },
  // For blockOwnerDeletion, where the API server checks it.
  { apiGroups: ["tribes.dev"], resources: ["tomcatclusters/finalizers"], verbs: ["update"] },
  { apiGroups: [""], resources: ["configmaps", "services", "serviceaccounts"], verbs: OWN },
  { apiGroups: ["apps"], resources: ["statefulsets", "deployments"], verbs: OWN },
  { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies", "ingresses"], verbs: OWN },
  { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: OWN },
  { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs: OWN },
  { apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes"], verbs: OWN },
  { apiGroups: ["monitoring.coreos.com"], resources: ["podmonitors", "prometheusrules"], verbs: OWN },
  // Balancers get this, and nobody may give away what he has not.
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["get", "create", "delete"] },
  { apiGroups: [""], resources: ["pods"], verbs: READ },
  { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
  { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"] },
];
