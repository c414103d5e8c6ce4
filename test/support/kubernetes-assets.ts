// Where etcd, kube-apiserver and kubectl are: what KUBEBUILDER_ASSETS names, or what build-kubernetes.sh has built.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const NAMES = ["etcd", "kube-apiserver", "kubectl"];

/** The folder, whether or not it is there. */
export function kubernetesAssets(): string {
  const given = process.env.KUBEBUILDER_ASSETS;
  if (given) return given;
  const script = readFileSync(join(import.meta.dirname, "build-kubernetes.sh"), "utf8");
  const version = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(script)![1];
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "tomcat-cluster", `kubernetes-${version("KUBERNETES")}-etcd-${version("ETCD")}`);
}

/** What is not there of it, in a few words, or undefined. */
export function missingAssets(): string | undefined {
  const folder = kubernetesAssets();
  const missing = NAMES.filter((name) => !existsSync(join(folder, name)));
  return missing.length === 0 ? undefined : `${missing.join(", ")} not found in ${folder}: run "npm run setup:peers" (needs Go)`;
}
