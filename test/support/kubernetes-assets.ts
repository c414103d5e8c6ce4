// Where the Kubernetes programs are: etcd, kube-apiserver and kubectl in the folder that KUBEBUILDER_ASSETS names, or where
// build-kubernetes.sh has built them; those of a node and metrics-server where it has built them; and the definitions of other products' kinds.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const SERVER = ["etcd", "kube-apiserver", "kubectl"];
const DEFINED = ["httproutes", "podmonitors", "prometheusrules"] as const;
const NODE = ["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns", "pause"];
const METRICS_SERVER = "metrics-server";

/** The folder with etcd, kube-apiserver and kubectl, whether or not it is there. */
export function kubernetesAssets(): string {
  return process.env.KUBEBUILDER_ASSETS || cacheFolder("kubernetes-KUBERNETES-etcd-ETCD", "build-kubernetes.sh");
}

/** The folder with what a node runs and what rules it, whether or not it is there. */
export function nodeAssets(): string {
  return cacheFolder("kubernetes-node-KUBERNETES-coredns-COREDNS", "build-kubernetes.sh");
}

/** The program, whether or not it is there. */
export function metricsServer(): string {
  return join(metricsFolder(), METRICS_SERVER);
}

/** The file that defines a kind of another product, by its plural. */
export function definitionFile(plural: (typeof DEFINED)[number]): string {
  return join(definitions(), `${plural}.yaml`);
}

/** What is not there of the API server, in a few words, or undefined. */
export function missingAssets(): string | undefined {
  return (
    missing(kubernetesAssets(), SERVER) ??
    missing(
      definitions(),
      DEFINED.map((plural) => `${plural}.yaml`),
    )
  );
}

/** What is not there of a node and of what measures its pods, in a few words, or undefined. */
export function missingNodeAssets(): string | undefined {
  return missing(nodeAssets(), NODE) ?? missing(metricsFolder(), [METRICS_SERVER]);
}

function metricsFolder(): string {
  return cacheFolder("metrics-server-METRICS_SERVER", "build-kubernetes.sh");
}

function definitions(): string {
  return cacheFolder("definitions-gateway-api-GATEWAY_API-prometheus-operator-PROMETHEUS_OPERATOR", "download-definitions.sh");
}

/** With the script's versions in place of their names. */
function cacheFolder(name: string, script: string): string {
  const text = readFileSync(join(import.meta.dirname, script), "utf8");
  const version = (of: string) => new RegExp(`^${of}=(.*)$`, "m").exec(text)![1]!;
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "tomcat-cluster", name.replace(/[A-Z_]+/g, version));
}

function missing(folder: string, names: readonly string[]): string | undefined {
  const lacking = names.filter((name) => !existsSync(join(folder, name)));
  return lacking.length === 0 ? undefined : `${lacking.join(", ")} not found in ${folder}: run "npm run setup:peers" (needs Go)`;
}
