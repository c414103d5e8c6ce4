import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, systemRandom } from "../../../src/base/index.ts";
import { KubeClient } from "../../../src/kube/index.ts";
import { Operator } from "../../../src/operator/operator.ts";
import { type Answer, FakeApiServer, json, refusal } from "../../support/fake-api-server.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import { eventually } from "../../support/session-requests.ts";

const emptyLists: Answer = (request, response) => {
  if (request.query.watch === undefined) json({ metadata: { resourceVersion: "1" }, items: [] })(request, response);
  else response.writeHead(200).flushHeaders();
};

async function setUp(options: { readonly electsLeader: boolean }) {
  const api = await FakeApiServer.start();
  const clock = new ManualClock();
  const log = new MemoryLog();
  const failures: unknown[] = [];
  let check: () => string | undefined = () => "no check";
  const deps = { clock, random: systemRandom, logger: log.logger, registry: new Registry() };
  const client = new KubeClient({ ...deps, credentials: api }, { userAgent: "test" });
  const operator = new Operator(
    {
      ...deps,
      client,
      management: {
        addReadinessCheck: (_name, one) => {
          check = one;
        },
      },
      onFailed: (error) => failures.push(error),
    },
    { image: "x", namespace: "tomcat-cluster", identity: "one", watchNamespaces: ["web"], ...options },
  );
  const stop = async () => {
    await operator.stop();
    await client.stop();
    await api.stop();
  };
  return { api, clock, log, failures, operator, notReady: () => check(), stop };
}

describe("Operator", () => {
  it("waits for an API server that fails, and is not ready meanwhile", async () => {
    const { api, clock, log, failures, operator, notReady, stop } = await setUp({ electsLeader: false });
    api.answers = [refusal(500, "InternalError")];
    await operator.start();
    await eventually(
      async () => {
        await clock.advance(2000);
        return log.lines.filter(({ msg }) => msg === "The API server does not tell which kinds it knows").length;
      },
      (times) => times >= 2,
    );
    assert.equal(notReady(), "not filled yet");
    await stop();
    assert.deepEqual(failures, []);
  });

  it("fills its caches from the namespaces that it watches, and is ready then", async () => {
    const { api, failures, operator, notReady, stop } = await setUp({ electsLeader: false });
    api.answers = [emptyLists];
    await operator.start();
    await eventually(notReady, (reason) => reason === undefined);
    const objects = api.requests.filter(({ path }) => !/^\/apis\/[^/]+\/v1$/.test(path));
    assert.ok(objects.length > 0 && objects.every(({ path }) => path.includes("/namespaces/web/")));
    await stop();
    assert.deepEqual(failures, []);
  });

  it("keeps its caches filled while another one leads, is ready to take over, and touches nothing", async () => {
    const { api, operator, notReady, stop } = await setUp({ electsLeader: true });
    const spec = { holderIdentity: "two", leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z" };
    const lease = json({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "tomcat-cluster-operator" }, spec });
    api.answers = [(request, response) => (request.path.includes("/leases/") ? lease : emptyLists)(request, response)];
    await operator.start();
    await eventually(
      () => api.requests.filter(({ path }) => path.includes("/leases/")).length,
      (asked) => asked > 0,
    );
    assert.equal(notReady(), undefined);
    await stop();
    assert.ok(api.requests.every(({ method }) => method === "GET"));
  });
});
