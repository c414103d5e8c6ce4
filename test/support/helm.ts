// Where Helm is, which installs the chart: what HELM_BIN names, or what build-helm.sh has built.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";

export const CHART = resolve(import.meta.dirname, "../../charts/tomcat-cluster");
/** Name of release and namespace, as README.md has them. */
export const RELEASE = "tomcat-cluster";

/** Without a cluster Helm assumes a version, which depends on how it was built. */
export const KUBE_VERSION = "--kube-version=1.36.0";

/** The binary, whether or not it is there. */
export function helmBinary(): string {
  const given = process.env.HELM_BIN;
  if (given) return given;
  const [, version] = /^HELM=(.*)$/m.exec(readFileSync(join(import.meta.dirname, "build-helm.sh"), "utf8"))!;
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "tomcat-cluster", `helm-${version}`, "helm");
}

/** A few words where it is not there, or undefined. */
export function missingHelm(): string | undefined {
  return existsSync(helmBinary()) ? undefined : `${helmBinary()} not found: run "npm run setup:peers" (needs Go)`;
}

/** Standard output. Rejects with what it wrote to standard error. `kubeconfig`: of a cluster, where the command asks one. */
export async function helm(args: readonly string[], kubeconfig = "/dev/null"): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const { stdout } = await promisify(execFile)(helmBinary(), args, { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Every object of the chart as YAML, but for the CustomResourceDefinition and the chart's test. Throws with what Helm says. */
export function renderChart(values: object, release = RELEASE): string {
  const input = stringify({ crds: { install: false }, ...values });
  const command = ["template", release, CHART, "--namespace", RELEASE, "--skip-tests", KUBE_VERSION, "--values", "-"];
  const rendered = execFileSync(helmBinary(), command, { input, encoding: "utf8", stdio: "pipe", maxBuffer: 64 * 1024 * 1024 });
  // Empty lines between documents are Helm 4's.
  return rendered.replaceAll(/\n{2,}(?=---\n)/g, "\n");
}
