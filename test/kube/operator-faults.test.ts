// The whole operator and a real API server, with a proxy between them that breaks what can break. Whatever happens: a change is carried out
// afterwards, once, and nothing else is written.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { systemClock } from "../../src/base/index.ts";
import { KubeConfigCredentials, type KubeObject, RESOURCES } from "../../src/kube/index.ts";
import { type Fault, FaultProxy, type ProxiedRequest } from "../support/fault-proxy.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { changed, objectVersions } from "../support/object-versions.ts";
import { ClusterOnServer, installOperator, RunningOperator } from "../support/running-operator.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { eventually } from "../support/session-requests.ts";

const NAMESPACE = "default";
const REQUEST_TIMEOUT_MS = 2000;
/** The operator waits up to 10 s before it knocks again. */
const RECOVERY_MS = 60_000;

let server: KubeApiServer;
let test: KubeTestClient;
let proxy: FaultProxy;
let operator: RunningOperator;
let shop: ClusterOnServer;
/** As many as it has open when it has all that it needs. */
let watches = 0;
let round = 0;

async function started(name: string): Promise<ClusterOnServer> {
  const cluster = new ClusterOnServer(test.client, name);
  await cluster.create();
  await told(cluster, 1);
  await cluster.see("r1");
  return cluster;
}

/** The status speaks of this generation. */
async function told(cluster: ClusterOnServer, generation: number): Promise<void> {
  await eventually(
    async () => (await cluster.get()).status?.observedGeneration,
    (observed) => observed === generation,
    RECOVERY_MS,
  );
}

/** Nothing waits, nothing runs, and all that was watched at the beginning is watched. */
async function calm(): Promise<void> {
  const metric = (name: string) => operator.metric(name, { controller: "tomcatcluster" });
  let quietLooks = 0;
  await eventually(
    async () => {
      const busy = (await metric("workqueue_depth")) + (await metric("controller_runtime_active_workers"));
      quietLooks = busy === 0 && proxy.openWatches >= watches ? quietLooks + 1 : 0;
      return quietLooks;
    },
    (looks) => looks >= 10,
    RECOVERY_MS,
  );
}

before(async () => {
  server = await KubeApiServer.start();
  await installOperator(server);
  test = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: server.adminKubeconfig }));
  proxy = await FaultProxy.start(server);
  operator = new RunningOperator(proxy, { requestTimeoutMs: REQUEST_TIMEOUT_MS });
  await operator.start();
  shop = await started("shop");
  await started("quiet");
  await calm();
  watches = proxy.openWatches;
});

after(async () => {
  await operator?.stop();
  await proxy?.stop();
  await test?.client.stop();
  await server?.stop();
});

beforeEach(() => {
  round++;
});

/** A change that concerns three objects, with its outcome: these are written once each, and nothing else. */
async function carriesOutAChange(duringTheFault: () => Promise<void> = async () => undefined): Promise<void> {
  const generation = await shop.change({
    sessions: { timeoutSeconds: 1000 + round },
    balancer: { template: { labels: { round: String(round) } } },
  });
  await duringTheFault();
  await told(shop, generation);
}

async function survives(fault: () => Promise<void>): Promise<void> {
  await calm();
  const [versions, generations, writes] = [await objectVersions(test, NAMESPACE), await templates(), operator.writes.length];
  try {
    await fault();
  } finally {
    proxy.fault = () => undefined;
  }
  await calm();
  assert.deepEqual(changed(versions, await objectVersions(test, NAMESPACE)), [
    "ConfigMap shop-workers",
    "Deployment shop-balancer",
    "StatefulSet shop",
    "TomcatCluster shop",
  ]);
  assert.deepEqual(
    await templates(),
    generations.map((one) => one + 1),
    "each template is changed once",
  );
  assert.deepEqual(
    operator.writes.slice(writes).filter((write) => write.includes("quiet")),
    [],
  );
  assert.deepEqual(operator.failures, []);
  await shop.see("r1");
}

/** Generations of StatefulSet and Deployment. */
async function templates(): Promise<readonly number[]> {
  const objects = [
    await test.client.get<KubeObject>(RESOURCES.StatefulSet, { namespace: NAMESPACE, name: "shop" }),
    await test.client.get<KubeObject>(RESOURCES.Deployment, { namespace: NAMESPACE, name: "shop-balancer" }),
  ];
  return objects.map(({ metadata }) => metadata.generation!);
}

/** Breaks two of three requests, so many in all; how many are left. */
function breakSome(count: number, faults: readonly Fault[], suits: (request: ProxiedRequest) => boolean = () => true): () => number {
  const random = new SeededRandom(`round ${round}`);
  let left = count;
  proxy.fault = (request) => {
    if (left === 0 || !suits(request) || random.bytes(1)[0]! % 3 === 0) return undefined;
    return faults[--left % faults.length];
  };
  return () => left;
}

const EXPIRED = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "injected" } };

describe("the operator carries out a change once, and writes nothing else,", () => {
  it("without a fault", () => survives(() => carriesOutAChange()));

  it("when its watches are dropped again and again", () =>
    survives(() =>
      carriesOutAChange(async () => {
        for (let drop = 0; drop < 10; drop++) {
          proxy.dropWatches();
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }),
    ));

  it("through a storm of 410", () =>
    survives(async () => {
      const tries = new Map<string, number>();
      proxy.fault = ({ verb, path }) => {
        if (verb !== "watch") return undefined;
        tries.set(path, (tries.get(path) ?? 0) + 1);
        return tries.get(path)! <= 3 ? { status: 410, reason: "Expired" } : undefined;
      };
      proxy.injectIntoWatches(EXPIRED);
      await carriesOutAChange();
      await eventually(
        () => proxy.openWatches,
        (open) => open >= watches,
        RECOVERY_MS,
      );
    }));

  it("through 500, 503, 429 and cut connections, before and after what was asked has been done", () =>
    survives(async () => {
      const refused: readonly Fault[] = [
        { status: 500, reason: "InternalError" },
        { status: 503, reason: "ServiceUnavailable" },
        { status: 429, reason: "TooManyRequests", headers: { "Retry-After": "1" } },
      ];
      const left = breakSome(12, [...refused, "reset", "lose"]);
      proxy.dropWatches();
      await carriesOutAChange();
      assert.ok(left() < 6);
    }));

  it("when every write is done and its answer lost, twice in a row", () =>
    survives(async () => {
      const tries = new Map<string, number>();
      proxy.fault = ({ verb, path }) => {
        if (verb !== "write") return undefined;
        tries.set(path, (tries.get(path) ?? 0) + 1);
        return tries.get(path)! <= 2 ? "lose" : undefined;
      };
      await carriesOutAChange();
    }));

  it("when requests hang", () =>
    survives(async () => {
      const left = breakSome(4, ["hang"], ({ verb }) => verb !== "watch");
      await carriesOutAChange();
      assert.ok(left() < 4);
    }));

  it("when lists are slow", () =>
    survives(async () => {
      proxy.fault = ({ verb }) => (verb === "list" ? { delayMs: 1500 } : undefined);
      proxy.injectIntoWatches(EXPIRED);
      await carriesOutAChange();
    }));

  it("when the API server crashes and comes back, its history forgotten", () =>
    survives(async () => {
      await server.stopServer("SIGKILL");
      await server.compact();
      await server.startServer();
      await carriesOutAChange();
    }));

  it("when the API server stands still", () =>
    survives(() =>
      carriesOutAChange(async () => {
        server.freezeServer();
        await new Promise((resolve) => setTimeout(resolve, 2 * REQUEST_TIMEOUT_MS));
        server.thawServer();
      }),
    ));

  it("when etcd is away", () =>
    survives(async () => {
      await server.stopEtcd();
      proxy.dropWatches();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await server.startEtcd();
      await eventually(
        () =>
          test.client.list(RESOURCES.Namespace, {}).then(
            () => true,
            () => false,
          ),
        (isBack) => isBack,
        RECOVERY_MS,
      );
      await carriesOutAChange();
    }));
});
