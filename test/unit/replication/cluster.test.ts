import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Registry, silentLogger, systemRandom } from "../../../src/base/index.ts";
import { CLASS_NAMES } from "../../../src/config/index.ts";
import { type Context, StandardManager } from "../../../src/container/index.ts";
import { SimpleTcpCluster } from "../../../src/replication/cluster.ts";
import { encodeSessionMessage, SESSION_EVENTS } from "../../../src/replication/messages.ts";
import { DeltaManager } from "../../../src/replication/session/delta-manager.ts";
import { DeltaNode } from "../../support/delta-node.ts";
import { FakeGroup } from "../../support/fake-group.ts";
import { ManualClock } from "../../support/manual-clock.ts";

let clock: ManualClock;
let group: FakeGroup;

beforeEach(() => {
  clock = new ManualClock();
  group = new FakeGroup(clock);
});

function cluster(placement: "Engine" | "Host", type: "Delta" | "Standard" = "Delta"): SimpleTcpCluster {
  return new SimpleTcpCluster(
    { clock, logger: silentLogger, registry: new Registry(), channel: group.channel(1) },
    { placement, channelSendOptions: 8, manager: { type, attributes: { maxActiveSessions: 7, stateTransferTimeout: -1 } } },
  );
}

function context(options: { distributable?: boolean; manager?: { type: string; attributes: Record<string, never> } } = {}): Context {
  const { distributable = true, manager } = options;
  const parts = { name: "localhost#/app", path: "/app", jvmRoute: "n1", distributable, sessionTimeoutSeconds: 90, defaults: { manager } };
  return parts as unknown as Context;
}

function deps() {
  return { clock, random: systemRandom, logger: silentLogger, registry: new Registry() };
}

describe("SimpleTcpCluster", () => {
  it("names managers with the host in an Engine, without it in a Host", () => {
    assert.equal(cluster("Engine").managerName({ name: "localhost#/app", path: "/app" }), "localhost#/app");
    assert.equal(cluster("Host").managerName({ name: "localhost#/app", path: "/app" }), "/app");
    assert.equal(cluster("Host").managerName({ name: "localhost#", path: "" }), "");
  });

  it("makes a DeltaManager with the template's attributes for a distributable context", () => {
    const manager = cluster("Host").createManager(context(), deps());
    assert.ok(manager instanceof DeltaManager);
    assert.equal(manager.contextName, "/app");
    assert.equal(manager.name, "localhost#/app");
    assert.equal(manager.maxActiveSessions, 7);
    assert.equal(manager.sessionTimeoutSeconds, 90);
  });

  it("makes a StandardManager for a context that is not distributable, or is to have one", () => {
    assert.ok(cluster("Engine").createManager(context({ distributable: false }), deps()) instanceof StandardManager);
    assert.ok(
      cluster("Engine").createManager(context({ manager: { type: "Standard", attributes: {} } }), deps()) instanceof StandardManager,
    );
    assert.ok(cluster("Engine", "Standard").createManager(context(), deps()) instanceof StandardManager);
  });

  it("refuses a second manager of the same name", async () => {
    const node = await DeltaNode.started(group, 2);
    const second = node.cluster.createManager(context(), deps());
    await assert.rejects(second.start(), { code: "DUPLICATE_MANAGER" });
  });

  it("has the valves that stand in a Cluster element", () => {
    assert.deepEqual([...cluster("Engine").valveFactories.keys()], [CLASS_NAMES.replicationValve, CLASS_NAMES.jvmRouteBinderValve]);
  });

  it("gives a message without a manager's name to every manager", async () => {
    const node = await DeltaNode.started(group, 2);
    const sender = group.channel(3).localMember;
    const message = {
      event: SESSION_EVENTS.SessionCreated,
      timestamp: 5,
      timestampSet: true,
      data: null,
      sessionId: "X.y",
      uniqueId: null,
    };
    await node.channel.receive(encodeSessionMessage({ ...message, contextName: null }), sender);
    assert.equal(node.has("X"), true);
  });

  it("ends every start that waits for state, also one that begins later, when the worker is told to stop", async () => {
    await group.channel(1).start();
    const node = new DeltaNode(group, 2);
    await node.cluster.start();
    const waiting = node.manager.start();
    node.cluster.abortStarts();
    await assert.rejects(waiting, { code: "STATE_TRANSFER_ABORTED" });
    const later = node.cluster.createManager(context(), deps());
    await assert.rejects(later.start(), { code: "STATE_TRANSFER_ABORTED" });
    assert.deepEqual(node.cluster.describe().managers, []);
  });

  it("describes its managers, members and mode", async () => {
    const a = await DeltaNode.started(group, 1, { channelSendOptions: 10 });
    await DeltaNode.started(group, 2);
    await a.create((session) => session.setAttribute("n", 1));
    await group.settle();
    const { mode, peers, managers } = a.cluster.describe({ digest: true });
    assert.equal(mode, "AsynchronousAcknowledged");
    assert.deepEqual(
      peers.map(({ member, kind }) => [member, kind]),
      [["tcp://10.0.0.2:4000", "ours"]],
    );
    const [manager] = managers;
    assert.deepEqual(
      { ...manager, digest: manager?.digest?.length },
      {
        contextName: "localhost#/app",
        sessions: 1,
        primarySessions: 1,
        sessionsAtRisk: 0,
        stateTransferred: true,
        receivedQueueSize: 0,
        digest: 16,
      },
    );
    assert.equal(a.cluster.describe().managers[0]?.digest, undefined);
  });

  it("counts messages by Tomcat's names", async () => {
    const a = await DeltaNode.started(group, 1);
    const b = await DeltaNode.started(group, 2);
    await a.create((session) => session.setAttribute("n", 1));
    const sent = await a.registry.getSingleMetric("tomcatcluster_replication_messages_sent_total")!.get();
    const received = await b.registry.getSingleMetric("tomcatcluster_replication_messages_received_total")!.get();
    const count = (metric: typeof sent, type: string) => metric.values.find(({ labels }) => labels.type === type)?.value;
    assert.deepEqual([count(sent, "SESSION_DELTA"), count(sent, "ALL_SESSION_DATA"), count(sent, "SESSION_EXPIRED")], [1, 1, 0]);
    assert.deepEqual([count(received, "SESSION_DELTA"), count(received, "SESSION_CREATED")], [1, 1]);
    assert.equal(await b.metric("tomcatcluster_replication_state_transferred"), 1);
  });
});
