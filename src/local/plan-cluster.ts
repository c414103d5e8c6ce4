// A manifest and what lies beside it -> ClusterPlan, or everything that is wrong with them, before anything starts.
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseManifest, type TomcatCluster } from "../api/index.ts";
import { systemErrorCode } from "../base/index.ts";
import { baseNameOf } from "../config/index.ts";
import {
  CHANNEL_PORT_NAME,
  desiredBalancerSettings,
  desiredServerXml,
  HTTP_PORT_NAME,
  membersServiceName,
  podNames,
  WORKER_HTTP_PORT,
  workerGraceSeconds,
  workersServiceName,
} from "../operator/desired/index.ts";
import type { BalancerAddresses, ClusterPlan } from "./cluster-plan.ts";
import { ApplicationFilesError, ManifestFileError, NoWorkersError, ServerXmlReferenceError } from "./errors.ts";
import { kubernetesOnlyNotices } from "./kubernetes-only.ts";

/** Everything is on one machine: the balancer may ask more often than in a real cluster. */
const DISCOVERY_REFRESH_MS = 500;
const ARCHIVES = [".war", ".tgz"];
const FALLBACK_NAMESPACE = "default";

/** Throws ManifestError with every problem, and the errors above. */
export async function planCluster(file: string): Promise<ClusterPlan> {
  const cluster = parseManifest(await readManifest(file), file);
  const workers = podNames(cluster);
  if (workers.length === 0) throw new NoWorkersError(cluster.metadata.name);
  if (cluster.spec.configuration.serverXml !== undefined) throw new ServerXmlReferenceError(cluster.metadata.name);
  const webapps = resolve(dirname(file), "webapps");
  const found = await listEntries(webapps);
  const { group } = cluster.spec;
  return {
    name: cluster.metadata.name,
    namespace: cluster.metadata.namespace ?? FALLBACK_NAMESPACE,
    workers,
    httpPort: WORKER_HTTP_PORT,
    receiverPort: group.receiver.port,
    services: [
      {
        name: membersServiceName(cluster),
        ports: [{ name: CHANNEL_PORT_NAME, port: group.receiver.port }],
        publishNotReadyAddresses: true,
      },
      { name: workersServiceName(cluster), ports: [{ name: HTTP_PORT_NAME, port: WORKER_HTTP_PORT }], publishNotReadyAddresses: false },
    ],
    membersName: membersServiceName(cluster),
    graceMs: workerGraceSeconds(cluster) * 1000,
    paths: applicationPaths(cluster, webapps, found ?? []),
    notices: kubernetesOnlyNotices(cluster),
    encrypted: group.encryption.mode === "SharedKey",
    serverXml: (channelKeyDirectory) =>
      desiredServerXml(cluster, { channelKeyDirectory, sourcesInAppBase: true, ...(found && { appBase: webapps }) }),
    balancerSettings: (addresses) => balancerSettings(cluster, addresses),
  };
}

async function readManifest(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new ManifestFileError(file, { cause: error });
  }
}

/** Undefined when there is no such folder. */
async function listEntries(folder: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Of the default host, which is the one that answers on 127.0.0.1. Checks that every listed application is there. */
function applicationPaths({ spec }: TomcatCluster, webapps: string, found: readonly string[]): readonly string[] {
  if (spec.applications === undefined) {
    const names = found.filter((name) => !name.startsWith(".")).map((name) => name.replace(/\.(war|tgz)$/, ""));
    return [...new Set(names)].map((name) => (name === "ROOT" ? "" : `/${name.replaceAll("#", "/")}`));
  }
  const missing = spec.applications
    .map(({ path, source }) => ({ path, name: baseNameOf(path === "/" ? "" : path), source: Object.keys(source ?? {})[0] }))
    .filter(({ name }) => ["", ...ARCHIVES].every((ending) => !found.includes(name + ending)));
  if (missing.length > 0)
    throw new ApplicationFilesError(missing.map(({ path, name, source }) => ({ path, folder: join(webapps, name), source })));
  const defaultHost = spec.hosts[0]?.name;
  return spec.applications.filter(({ host }) => host === defaultHost).map(({ path }) => (path === "/" ? "" : path));
}

function balancerSettings(cluster: TomcatCluster, addresses: BalancerAddresses): unknown {
  const settings = desiredBalancerSettings(cluster, addresses);
  return { ...settings, discovery: { ...settings.discovery, refreshMilliseconds: DISCOVERY_REFRESH_MS } };
}
