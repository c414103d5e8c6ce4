// Leader election on the leases of a real API server: two processes, a release, and an API server that goes away.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Registry, silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { KubeConfigCredentials } from "../../src/kube/index.ts";
import { LeaderElector, type LeadershipLostError } from "../../src/operator/controller/index.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { eventually } from "../support/session-requests.ts";

let cluster: KubeApiServer;
let test: KubeTestClient;

function elector(identity: string, lost: LeadershipLostError[] = []): LeaderElector {
  const { client } = test;
  return new LeaderElector(
    {
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      registry: new Registry(),
      client,
      onLost: (error) => lost.push(error),
    },
    { namespace: "default", name: "operator", identity },
  );
}

before(async () => {
  cluster = await KubeApiServer.start();
  test = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: cluster.adminKubeconfig }));
});

after(async () => {
  await test?.client.stop();
  await cluster?.stop();
});

describe("LeaderElector and a real API server", () => {
  it("elects one, hands over on release, and gives up when the API server is away for too long", async () => {
    const lost: LeadershipLostError[] = [];
    const first = elector("one");
    const second = elector("two", lost);
    await first.start();
    assert.equal(await first.elected, true);
    await second.start();
    await eventually(
      () => cluster.kubectl("get", "lease", "operator", "-o", "jsonpath={.spec.acquireTime} {.spec.renewTime} {.spec.holderIdentity}"),
      (text) => {
        const [acquired, renewed, holder] = text.split(" ");
        return holder === "one" && acquired !== renewed && [acquired, renewed].every((time) => /\.\d{6}Z$/.test(time!));
      },
    );
    assert.equal(second.isLeader, false);
    await first.stop();
    assert.equal(await second.elected, true);
    assert.equal(await cluster.kubectl("get", "lease", "operator", "-o", "jsonpath={.spec.leaseTransitions}"), "1");
    await cluster.stopServer();
    await eventually(
      () => lost.length,
      (times) => times === 1,
      20_000,
    );
    assert.equal(second.isLeader, false);
    await cluster.startServer();
    const third = elector("three");
    await third.start();
    await eventually(
      () => third.isLeader,
      (isLeader) => isLeader,
      40_000,
    );
    await Promise.all([second.stop(), third.stop()]);
    assert.equal(await cluster.kubectl("get", "lease", "operator", "-o", "jsonpath={.spec.holderIdentity}"), "");
  });
});
