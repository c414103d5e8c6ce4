// What happens to clusters on a real Kubernetes while clients use them, and what the promise says about it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import type { FaultPromise } from "../../reliability/faults.ts";
import { ROOT } from "../../support/local-cluster.ts";
import { until } from "../../support/until.ts";
import { type DeployedCluster, type DeployedPod, NAMESPACE } from "./deployed-cluster.ts";
import type { InstalledOperator } from "./installed-operator.ts";
import { NODE_NAME } from "./node-programs.ts";
import { APPLICATION_IMAGES } from "./shop-images.ts";
import type { SingleNode } from "./single-node.ts";

export interface Scene {
  readonly node: SingleNode;
  readonly operator: InstalledOperator;
  /** One for each mode of replication; whatever happens to a cluster happens to all at the same time. */
  readonly clusters: readonly DeployedCluster[];
  /** From now on requests that this worker had may fail, as far as the scenario's promise says so. */
  struck(cluster: DeployedCluster, worker: DeployedPod): void;
}

export interface Scenario extends FaultPromise {
  /** Resolves when all is done; the clusters may need a while then. */
  run(scene: Scene): Promise<void>;
}

/** Rule 19: a connection is used for a POST within 1 s after its last use without asking. */
const DEAD_NOTICED_MS = 1000;
/** A look-up of the members every two seconds, several times over. */
const WITHOUT_DNS_MS = 10_000;
/** Two updates of a node's status; it counts as lost after 40 s. */
const WITHOUT_KUBELET_MS = 20_000;
/** Longer than a worker takes to get ready, several times over. */
const BROKEN_MS = 15_000;
/** Pods are measured every ten seconds, and new ones twice before they count. */
const AUTOSCALER_MS = 120_000;
const AUTOSCALER = join(ROOT, "deploy/samples/autoscaler.yaml");

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "kill",
    title: "SIGKILL of a worker",
    allows: { post: { noticedWithinMs: DEAD_NOTICED_MS } },
    run: ({ node, clusters, struck }) =>
      each(clusters, async (cluster) => {
        const victim = (await cluster.workers())[1]!;
        struck(cluster, victim);
        await node.signal(NAMESPACE, victim.name, "KILL");
        await cluster.restarted(victim);
      }),
  },
  {
    name: "delete",
    title: "a worker's pod deleted",
    run: ({ node, clusters }) =>
      each(clusters, async (cluster) => {
        const victim = (await cluster.workers())[1]!;
        await node.kubectl("delete", "pod", victim.name, "--wait=false");
        await cluster.replaced([victim]);
      }),
  },
  {
    name: "roll",
    title: "rolling update to another image",
    run: ({ node, clusters }) =>
      each(clusters, async (cluster) => {
        const before = await cluster.workers();
        await patch(node, cluster, { image: await otherImage(cluster) });
        await cluster.replaced(before);
      }),
  },
  {
    name: "broken",
    title: "update to an image whose application does not start, and its cure",
    run: ({ node, clusters }) =>
      each(clusters, async (cluster) => {
        const before = await cluster.workers();
        const cure = await otherImage(cluster);
        await patch(node, cluster, { image: APPLICATION_IMAGES.broken });
        await rollBegins(cluster, before);
        await sleep(BROKEN_MS);
        const now = await cluster.workers();
        const kept = left(before, now);
        if (kept.length !== before.length - 1 || !kept.every(({ isReady }) => isReady)) {
          throw new Error(`${cluster.name} has not stopped at the first worker that does not get ready: ${JSON.stringify(now)}`);
        }
        await patch(node, cluster, { image: cure });
        await cluster.replaced(before);
      }),
  },
  {
    name: "scale",
    title: "scaled from 3 workers to 5, to 2, and back",
    run: ({ node, clusters }) =>
      each(clusters, async (cluster) => {
        for (const workers of [5, 2, 3]) {
          await node.kubectl("scale", `tomcat/${cluster.name}`, `--replicas=${workers}`);
          await cluster.whole();
        }
      }),
  },
  {
    name: "autoscaler",
    title: "a HorizontalPodAutoscaler makes 4 workers of 3, and 2 of these",
    run: ({ node, clusters }) =>
      each(clusters, async (cluster) => {
        // A worker under load uses more than this of a core, and less than a hundred cores.
        await scaledBy(node, cluster, { averageValue: "1m", workers: 4 });
        await scaledBy(node, cluster, { averageValue: "100", workers: 2 });
        await node.kubectl("delete", "horizontalpodautoscaler", cluster.name);
        await node.kubectl("scale", `tomcat/${cluster.name}`, "--replicas=3");
        await cluster.whole();
      }),
  },
  {
    name: "balancer",
    title: "a balancer's pod deleted",
    run: ({ node, clusters }) =>
      each(clusters, async (cluster) => {
        const victim = (await cluster.balancers())[0]!;
        await node.kubectl("delete", "pod", victim.name, "--wait=false");
        await cluster.replaced([victim], "balancer");
      }),
  },
  {
    name: "operator",
    title: "SIGKILL of the operator in the middle of a roll",
    async run({ node, operator, clusters }) {
      const before = await Promise.all(clusters.map((cluster) => cluster.workers()));
      await each(clusters, async (cluster) => {
        await node.kubectl("annotate", "--overwrite", `tomcat/${cluster.name}`, `tribes.dev/restart=${Date.now()}`);
        await rollBegins(cluster, before[clusters.indexOf(cluster)]!);
      });
      await operator.kill();
      await each(clusters, (cluster) => cluster.replaced(before[clusters.indexOf(cluster)]!));
    },
  },
  {
    name: "rotation",
    title: "the channel's key replaced",
    run: ({ node, clusters }) =>
      each(clusters, async (cluster) => {
        const before = await cluster.workers();
        const generation = (await cluster.object()).status!.keyGeneration! + 1;
        await node.kubectl("annotate", "--overwrite", `tomcat/${cluster.name}`, `tribes.dev/rotate-key=${generation}`);
        await cluster.replaced(before);
      }),
  },
  {
    name: "dns",
    title: "CoreDNS away, and back",
    async run({ node }) {
      await node.stopDns();
      await sleep(WITHOUT_DNS_MS);
      await node.startDns();
    },
  },
  {
    name: "kubelet",
    title: "kubelet away, and back",
    async run({ node }) {
      await node.stopKubelet();
      await sleep(WITHOUT_KUBELET_MS);
      await node.startKubelet();
    },
  },
  {
    name: "drain",
    title: "node drained: every pod evicted",
    async run({ node, clusters }) {
      const before = await Promise.all(
        clusters.map(async (cluster) => ({ workers: await cluster.workers(), balancers: await cluster.balancers() })),
      );
      // The pods that are to go are chosen once. There is no other node: this one takes them back as soon as it is told to.
      const drained = node.kubectl("drain", NODE_NAME, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s");
      await Promise.all([drained, uncordon(node)]);
      await each(clusters, async (cluster) => {
        const { workers, balancers } = before[clusters.indexOf(cluster)]!;
        await cluster.replaced(workers);
        await cluster.replaced(balancers, "balancer");
      });
    },
  },
];

async function each(clusters: readonly DeployedCluster[], act: (cluster: DeployedCluster) => Promise<void>): Promise<void> {
  await Promise.all(clusters.map(act));
}

/** Resolves when the first of these workers is gone. */
function rollBegins(cluster: DeployedCluster, before: readonly DeployedPod[]): Promise<void> {
  const isOneGone = async () => left(before, await cluster.workers()).length < before.length;
  return until(`${cluster.name}: a worker replaced`, isOneGone, { pollMs: 500 });
}

/** Those of `before` that are still there, as they are now. */
function left(before: readonly DeployedPod[], now: readonly DeployedPod[]): readonly DeployedPod[] {
  return now.filter(({ uid }) => before.some((pod) => pod.uid === uid));
}

/** One whose applications start, and that the cluster does not have now: no pod would be replaced. */
async function otherImage(cluster: DeployedCluster): Promise<string> {
  const { image } = (await cluster.object()).spec as { image?: string };
  return image === APPLICATION_IMAGES.first ? APPLICATION_IMAGES.second : APPLICATION_IMAGES.first;
}

async function patch(node: SingleNode, { name }: DeployedCluster, spec: object): Promise<void> {
  await node.kubectl("patch", "tomcat", name, "--type=merge", `--patch=${JSON.stringify({ spec })}`);
}

/** The sample's autoscaler with other limits: resolves when it has scaled the cluster to as many as it may, or must, by what workers use. */
async function scaledBy(node: SingleNode, cluster: DeployedCluster, aim: { averageValue: string; workers: number }): Promise<void> {
  const { spec, ...sample } = parse(readFileSync(AUTOSCALER, "utf8")) as { spec: { scaleTargetRef: object; metrics: [object] } };
  const autoscaler = {
    ...sample,
    metadata: { name: cluster.name },
    spec: {
      ...spec,
      scaleTargetRef: { ...spec.scaleTargetRef, name: cluster.name },
      maxReplicas: 4,
      metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "AverageValue", averageValue: aim.averageValue } } }],
      // Not only when it would have been right for five minutes.
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    },
  };
  const file = join(node.logFolder, `${cluster.name}-autoscaler.json`);
  writeFileSync(file, JSON.stringify(autoscaler));
  await node.kubectl("apply", "-f", file);
  const wanted = async () => ((await cluster.object()).spec as { replicas: number }).replicas;
  await until(`${cluster.name}: ${aim.workers} workers wanted`, async () => (await wanted()) === aim.workers, {
    patienceMs: AUTOSCALER_MS,
    pollMs: 500,
  });
  await cluster.whole();
}

async function uncordon(node: SingleNode): Promise<void> {
  await until("the node is cordoned", async () => {
    const unschedulable = await node.kubectl("get", "node", NODE_NAME, "--output=jsonpath={.spec.unschedulable}");
    return unschedulable === "true";
  });
  await node.kubectl("uncordon", NODE_NAME);
}
