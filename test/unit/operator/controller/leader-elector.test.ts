import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Registry, silentLogger } from "../../../../src/base/index.ts";
import { ConnectionError } from "../../../../src/kube/index.ts";
import { LeaderElector, type LeadershipLostError } from "../../../../src/operator/controller/index.ts";
import { parseExposition, sampleValue } from "../../../support/exposition.ts";
import { LeaseStore } from "../../../support/lease-store.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";

interface Process {
  readonly elector: LeaderElector;
  readonly clock: ManualClock;
  readonly registry: Registry;
  readonly lost: LeadershipLostError[];
}

let store: LeaseStore;
let processes: Process[];

function startProcess(identity: string): Process {
  const clock = new ManualClock();
  const registry = new Registry();
  const lost: LeadershipLostError[] = [];
  const elector = new LeaderElector(
    {
      clock,
      random: new SeededRandom(identity),
      logger: silentLogger,
      registry,
      client: store.client(),
      onLost: (error) => lost.push(error),
    },
    { namespace: "ops", name: "operator", identity },
  );
  const process: Process = { elector, clock, registry, lost };
  processes.push(process);
  void elector.start();
  return process;
}

/** Time passes for all processes, or for these. */
async function pass(ms: number, who: readonly Process[] = processes): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 100) for (const { clock } of who) await clock.advance(100);
}

const leaders = () => processes.filter(({ elector }) => elector.isLeader).length;

async function status({ registry }: Process): Promise<number> {
  return sampleValue(parseExposition(await registry.metrics()), "leader_election_master_status", { name: "operator" });
}

beforeEach(() => {
  store = new LeaseStore();
  processes = [];
});

describe("LeaderElector", () => {
  it("elects one of two, who renews every two seconds with times of six digits", async () => {
    const first = startProcess("one");
    const second = startProcess("two");
    await pass(1000);
    assert.equal(await first.elector.elected, true);
    assert.deepEqual([first.elector.isLeader, second.elector.isLeader], [true, false]);
    assert.deepEqual([await status(first), await status(second)], [1, 0]);
    const { renewTime, ...spec } = store.spec;
    assert.match(String(renewTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.deepEqual(spec, { holderIdentity: "one", leaseDurationSeconds: 15, acquireTime: renewTime, leaseTransitions: 0 });
    store.calls.length = 0;
    await pass(60_000);
    assert.equal(leaders(), 1);
    const renewals = store.calls.filter((call) => call === "replace").length;
    assert.ok(renewals >= 25 && renewals <= 30, `${renewals} renewals in a minute`);
    for (const { elector } of processes) await elector.stop();
  });

  it("hands over at once when the leader stops, and within the lease when it dies", async () => {
    const first = startProcess("one");
    const second = startProcess("two");
    const third = startProcess("three");
    await pass(3000);
    await first.elector.stop();
    assert.equal(store.spec.holderIdentity, undefined);
    processes = [second, third];
    await pass(2500);
    assert.equal(leaders(), 1);
    const [dead, heir] = second.elector.isLeader ? [second, third] : [third, second];
    assert.equal(store.spec.leaseTransitions, 1);
    await pass(10_000, [heir]);
    assert.equal(heir.elector.isLeader, false, "too early: the other may be alive");
    await pass(8000, [heir]);
    assert.equal(heir.elector.isLeader, true);
    assert.equal(store.spec.leaseTransitions, 2);
    // The one that stood still wakes up and must not believe that it leads.
    await pass(20_000, [dead]);
    assert.equal(dead.elector.isLeader, false);
    assert.equal(dead.lost.length, 1);
    for (const { elector } of [heir, dead]) await elector.stop();
    assert.equal(store.spec.leaseTransitions, 2);
  });

  it("gives up when it could not renew for ten seconds, before anybody else can lead", async () => {
    for (const breakDown of [
      () => {
        store.failure = new ConnectionError("lease", new Error("refused"));
      },
      () => {
        store.isHanging = true;
      },
    ]) {
      store = new LeaseStore();
      processes = [];
      const leader = startProcess("one");
      await pass(1000);
      breakDown();
      await pass(8000);
      assert.equal(leader.elector.isLeader, true);
      assert.equal(leader.lost.length, 0);
      await pass(4000);
      assert.equal(leader.elector.isLeader, false);
      assert.match(leader.lost[0]!.message, /"ops\/operator" is lost: it was not renewed for 10000 ms/);
      assert.equal(await status(leader), 0);
      await leader.elector.stop();
      assert.equal(leader.lost.length, 1);
    }
  });

  it("survives failures that are shorter, and somebody who touches or removes its lease", async () => {
    const leader = startProcess("one");
    await pass(1000);
    store.failure = new ConnectionError("lease", new Error("refused"));
    await pass(7000);
    store.failure = undefined;
    await pass(3000);
    assert.equal(leader.elector.isLeader, true);
    store.overwrite({ ...store.spec, renewTime: "by hand" });
    await pass(6000);
    assert.notEqual(store.spec.renewTime, "by hand");
    store.clear();
    await pass(6000);
    assert.equal(store.spec.holderIdentity, "one");
    assert.equal(leader.lost.length, 0);
    const slowPaths = sampleValue(parseExposition(await leader.registry.metrics()), "leader_election_slowpath_total");
    assert.equal(slowPaths, 2);
    await leader.elector.stop();
  });

  it("gives up at once when it sees another holder", async () => {
    const leader = startProcess("one");
    await pass(1000);
    store.overwrite({ ...store.spec, holderIdentity: "thief" });
    await pass(5000);
    assert.match(leader.lost[0]!.message, /"thief" holds it/);
    await leader.elector.stop();
    assert.equal(store.spec.holderIdentity, "thief", "and releases nothing");
  });

  it("leads again at once under the same identity: its process before must be dead", async () => {
    const before = startProcess("pod-1");
    await pass(1000);
    assert.equal(before.elector.isLeader, true);
    const after = startProcess("pod-1");
    await pass(100, [after]);
    assert.equal(after.elector.isLeader, true);
    assert.equal(store.spec.leaseTransitions, 0);
    await after.elector.stop();
  });

  it("releases its lease also when a renewal arrived that it believes cut off", async () => {
    const leader = startProcess("one");
    await pass(1000);
    store.overwrite({ ...store.spec, renewTime: "arrived" });
    await leader.elector.stop();
    assert.equal(store.spec.holderIdentity, undefined);
  });

  it("tells whoever waits that it was stopped before it led", async () => {
    const first = startProcess("one");
    const second = startProcess("two");
    await pass(1000);
    await second.elector.stop();
    assert.equal(await second.elector.elected, false);
    assert.equal(store.spec.holderIdentity, "one");
    await first.elector.stop();
    assert.equal(second.clock.pendingTimers + first.clock.pendingTimers, 0);
  });
});
