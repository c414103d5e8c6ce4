// Two operators as processes of their own, of which one leads: whatever happens to it, the other one goes on, and never both at once.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../src/base/index.ts";
import { KubeConfigCredentials, RESOURCES } from "../../src/kube/index.ts";
import { type Fault, FaultProxy, type ProxiedRequest } from "../support/fault-proxy.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { changed, objectVersions } from "../support/object-versions.ts";
import { OperatorProcess } from "../support/operator-process.ts";
import { ClusterOnServer, installOperator } from "../support/running-operator.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { eventually } from "../support/session-requests.ts";

/** The other one waits 15 s, asks every 2.4 s at most, and looks at every cluster, beside others that do the same. */
const PATIENCE_MS = 60_000;
/** Any one will do; it says which write of 60 is the last one of a leader that is killed. */
const SEED = 3;

let server: KubeApiServer;
let test: KubeTestClient;

before(async () => {
  server = await KubeApiServer.start();
  await installOperator(server);
  test = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: server.adminKubeconfig }));
});

after(async () => {
  await test?.client.stop();
  await server?.stop();
});

type Name = "first" | "second";

/** Two operators in a namespace of their own, which look after it alone; the first one leads. */
class Pair {
  /** Who wrote, in order: without Leases, and without Events, which tell of what was. */
  readonly writes: Name[] = [];
  readonly first: OperatorProcess;
  readonly second: OperatorProcess;
  /** What happens to a write of the first one, and to what it does with its Lease. */
  fault: (request: ProxiedRequest, writes: number) => Fault | undefined = () => undefined;
  readonly #namespace: string;
  readonly #proxies: readonly FaultProxy[];

  private constructor(namespace: string, proxies: readonly FaultProxy[]) {
    this.#namespace = namespace;
    this.#proxies = proxies;
    [this.first, this.second] = [this.#operator("first", proxies[0]!), this.#operator("second", proxies[1]!)];
  }

  static async start(namespace: string): Promise<Pair> {
    await test.client.create(RESOURCES.Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const proxies = [await FaultProxy.start(server), await FaultProxy.start(server)];
    // Who asks first leads: the second one is let in when that is done.
    proxies[1]!.fault = () => "reset";
    const pair = new Pair(namespace, proxies);
    try {
      await pair.heldBy("first");
    } catch (error) {
      await pair.stop();
      throw new Error(`The first one does not lead:\n${pair.first.log.slice(-2000)}`, { cause: error });
    }
    proxies[1]!.fault = pair.#watched("second");
    return pair;
  }

  async stop(): Promise<void> {
    await Promise.all([this.first.stop(), this.second.stop()]);
    for (const proxy of this.#proxies) await proxy.stop();
  }

  async heldBy(name: Name): Promise<void> {
    await eventually(
      () => this.holder(),
      (holder) => holder === name,
      PATIENCE_MS,
    );
  }

  async holder(): Promise<string | undefined> {
    const ref = { namespace: this.#namespace, name: "tomcat-cluster-operator" };
    const lease = await test.client.find(RESOURCES.Lease, ref);
    return (lease as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity;
  }

  async create(name: string): Promise<ClusterOnServer> {
    const cluster = new ClusterOnServer(test.client, name, this.#namespace);
    await cluster.create();
    return cluster;
  }

  /** The second one has taken over, has carried out what was to be done, and writes no more. */
  async carriedOut(clusters: readonly ClusterOnServer[]): Promise<void> {
    for (const cluster of clusters) await told(cluster);
    assert.equal(await this.holder(), "second");
    assert.equal(this.writes.lastIndexOf("first") < this.writes.indexOf("second"), true, `both write: ${this.writes.join(" ")}`);
  }

  versions() {
    return objectVersions(test, this.#namespace);
  }

  #operator(identity: Name, proxy: FaultProxy): OperatorProcess {
    if (identity === "first") proxy.fault = this.#watched(identity);
    const namespace = this.#namespace;
    return new OperatorProcess({ credentials: proxy.kubeconfig, namespace, identity, watchNamespaces: [namespace] });
  }

  #watched(name: Name): FaultProxy["fault"] {
    return (request) => {
      const fault = name === "first" ? this.fault(request, this.writes.length + 1) : undefined;
      if (isWrite(request) && fault !== "hang" && fault !== "reset") this.writes.push(name);
      return fault;
    };
  }
}

/** The status speaks of the spec as it is now. */
async function told(cluster: ClusterOnServer): Promise<void> {
  await eventually(
    async () => {
      const { metadata, status } = await cluster.get();
      return status?.observedGeneration === metadata.generation;
    },
    (isTold) => isTold,
    PATIENCE_MS,
  );
}

async function withPair(namespace: string, use: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await Pair.start(namespace);
  try {
    await use(pair);
  } finally {
    await pair.stop();
  }
}

function isWrite({ verb, path }: ProxiedRequest): boolean {
  return verb === "write" && !/\/(leases|events)\b/.test(path);
}

describe("two operators", { concurrency: true }, () => {
  it("go on after kill -9 in the middle of making things: what was made stays as it is, the rest is made", () =>
    withPair("killed", async (pair) => {
      const last = 1 + (new SeededRandom(SEED).bytes(1)[0]! % 60);
      pair.fault = (request, count) => {
        if (!pair.first.isRunning) return "reset";
        if (!isWrite(request) || count < last) return undefined;
        pair.first.kill("SIGKILL");
        return undefined;
      };
      const clusters = [];
      for (const name of ["one", "two", "three", "four"]) clusters.push(await pair.create(name));
      assert.equal(await pair.first.ended, "SIGKILL");
      const left = await pair.versions();
      await pair.carriedOut(clusters);
      const again = changed(left, await pair.versions()).filter((name) => left.has(name) && !name.startsWith("TomcatCluster"));
      assert.deepEqual(again, [], `after write ${last}`);
    }));

  it("hand over at once when the leader is stopped, who exits with 0", () =>
    withPair("stopped", async (pair) => {
      const cluster = await pair.create("shop");
      await told(cluster);
      pair.first.kill("SIGTERM");
      assert.equal(await pair.first.ended, 0);
      await eventually(
        () => pair.holder(),
        (holder) => holder !== "first",
      );
      await cluster.change({ sessions: { timeoutSeconds: 60 } });
      await pair.carriedOut([cluster]);
    }));

  it("never both act when the leader cannot renew its lease: it cuts off what it is doing, exits with 1, and only then the other leads", () =>
    withPair("cut-off", async (pair) => {
      const cluster = await pair.create("shop");
      await told(cluster);
      // Its writes are on their way for longer than it may lead: they never arrive, since it closes the connection.
      pair.fault = (request) => (request.path.includes("/leases/") ? "hang" : isWrite(request) ? { delayMs: 20_000 } : undefined);
      await cluster.change({ sessions: { timeoutSeconds: 60 } });
      assert.equal(await pair.first.ended, 1);
      assert.match(pair.first.log, /LEADERSHIP_LOST/);
      assert.equal(await pair.holder(), "first", "nobody else leads before it has ended");
      await pair.carriedOut([cluster]);
    }));

  it("never both act when the leader stood still for so long that the other leads: it exits with 1, and writes nothing", () =>
    withPair("frozen", async (pair) => {
      const cluster = await pair.create("shop");
      await told(cluster);
      pair.first.kill("SIGSTOP");
      await cluster.change({ sessions: { timeoutSeconds: 60 } });
      await pair.carriedOut([cluster]);
      pair.first.kill("SIGCONT");
      assert.equal(await pair.first.ended, 1);
      await pair.carriedOut([cluster]);
    }));
});
