import assert from "node:assert/strict";
import { test } from "node:test";
import { ByRequests } from "../../../../src/balancer/selection/by-requests.ts";
import { highestRendezvous } from "../../../../src/balancer/selection/rendezvous.ts";
import { selectWorker } from "../../../../src/balancer/selection/select-worker.ts";
import type { Candidate, Snapshot } from "../../../../src/balancer/selection/snapshot.ts";

const worker = (name: string): Candidate => ({ name, route: name, weight: 1 });
const [r1, r2, r3] = [worker("r1"), worker("r2"), worker("r3")];

interface Picture {
  tiers: Candidate[][];
  draining?: Candidate[];
  unusable?: Candidate[];
}

function snapshot({ tiers, draining = [], unusable = [] }: Picture): Snapshot<Candidate> {
  const byRoute = new Map();
  for (const candidate of [...tiers.flat(), ...draining, ...unusable]) {
    const tier = tiers.findIndex((members) => members.includes(candidate));
    byRoute.set(candidate.route, { candidate, tier, draining: draining.includes(candidate) });
  }
  return { tiers, byRoute };
}

interface Case extends Picture {
  name: string;
  ids?: string[];
  tried?: Candidate[];
  force?: boolean;
  inUse?: boolean;
  chosen: string | undefined;
  sticky?: string;
}

const rendezvousOf = (stem: string, candidates: Candidate[]) => highestRendezvous(candidates, stem).name;

const cases: readonly Case[] = [
  { name: "no session: the balancing method", tiers: [[r1, r2]], chosen: "r1", sticky: "None" },
  { name: "the route's worker", tiers: [[r1, r2]], ids: ["abc.r2"], chosen: "r2", sticky: "Hit" },
  { name: "the first id with a usable route", tiers: [[r1, r2]], ids: ["one.rX", "two.r2"], chosen: "r2", sticky: "Hit" },
  { name: "the first of two usable routes", tiers: [[r1, r2]], ids: ["two.r2", "one.r1"], chosen: "r2", sticky: "Hit" },
  {
    name: "the route begins at the first dot: an unknown route b.r2",
    tiers: [[r1, r2]],
    ids: ["a.b.r2"],
    chosen: rendezvousOf("a", [r1, r2]),
    sticky: "Changed",
  },
  {
    name: "an unknown route: rendezvous",
    tiers: [[r1, r2, r3]],
    ids: ["abc.gone"],
    chosen: rendezvousOf("abc", [r1, r2, r3]),
    sticky: "Changed",
  },
  {
    name: "an unusable route: rendezvous",
    tiers: [[r1, r3]],
    unusable: [r2],
    ids: ["abc.r2"],
    chosen: rendezvousOf("abc", [r1, r3]),
    sticky: "Changed",
  },
  {
    name: "an id without a route: rendezvous",
    tiers: [[r1, r2, r3]],
    ids: ["abc"],
    chosen: rendezvousOf("abc", [r1, r2, r3]),
    sticky: "Miss",
  },
  { name: "forced: an unusable route gets nobody", tiers: [[r1, r3]], unusable: [r2], ids: ["abc.r2"], force: true, chosen: undefined },
  { name: "forced: an unknown route gets nobody", tiers: [[r1]], ids: ["abc.gone"], force: true, chosen: undefined },
  { name: "forced: no session is balanced", tiers: [[r1]], force: true, chosen: "r1" },
  { name: "forced: an id without a route is balanced", tiers: [[r1]], ids: ["abc"], force: true, chosen: "r1" },
  {
    name: "a draining worker keeps a session in use",
    tiers: [[r1], [r2]],
    draining: [r2],
    ids: ["abc.r2"],
    inUse: true,
    chosen: "r2",
    sticky: "Hit",
  },
  {
    name: "a quiet session leaves a draining worker",
    tiers: [[r1], [r2]],
    draining: [r2],
    ids: ["abc.r2"],
    inUse: false,
    chosen: "r1",
    sticky: "Changed",
  },
  { name: "a draining worker gets nothing new", tiers: [[r1], [r2]], draining: [r2], chosen: "r1" },
  { name: "everybody drains: better than nobody", tiers: [[r2]], draining: [r2], chosen: "r2" },
  { name: "a tried worker is not tried again", tiers: [[r1, r2]], tried: [r1], chosen: "r2" },
  {
    name: "a tried worker is not tried again for its session",
    tiers: [[r1, r2]],
    ids: ["abc.r1"],
    tried: [r1],
    chosen: "r2",
    sticky: "Changed",
  },
  { name: "the next tier when all of the first were tried", tiers: [[r1], [r2]], tried: [r1], chosen: "r2" },
  { name: "in the next tier the route's worker first", tiers: [[r1], [r2, r3]], tried: [r1], ids: ["abc.r3"], chosen: "r3", sticky: "Hit" },
  { name: "all tried: nobody", tiers: [[r1], [r2]], tried: [r1, r2], ids: ["abc.r1"], chosen: undefined },
  { name: "no workers: nobody", tiers: [], ids: ["abc.r1"], chosen: undefined },
];

for (const { name, ids = [], tried = [], force = false, inUse = false, chosen, sticky, ...picture } of cases) {
  test(`Choice: ${name}`, () => {
    const request = { sessionIds: ids, tried, force, isInUse: () => inUse };
    const selection = selectWorker(snapshot(picture), request, new ByRequests());
    assert.equal(selection?.candidate.name, chosen);
    if (sticky) assert.equal(selection?.sticky, sticky);
  });
}

test("The stem of the session is what a draining worker is asked about", () => {
  const asked: string[] = [];
  selectWorker(
    snapshot({ tiers: [[r1], [r2]], draining: [r2] }),
    {
      sessionIds: ["0A1B.r2"],
      tried: [],
      force: false,
      isInUse: (candidate, stem) => {
        asked.push(`${candidate.name} ${stem}`);
        return true;
      },
    },
    new ByRequests(),
  );
  assert.deepEqual(asked, ["r2 0A1B"]);
});

test("Parallel requests of one browser go to one worker, at every balancer, whatever else it has balanced (rule 17)", () => {
  const picture = snapshot({ tiers: [[r1, r2, r3]] });
  const balancers = [new ByRequests(), new ByRequests()];
  for (let n = 0; n < 30; n++) {
    const sessionIds = [`${n}CAFE.gone`];
    const request = { sessionIds, tried: [], force: false, isInUse: () => false };
    balancers[n % 2]!.choose([r1, r2, r3]);
    const chosen = [...balancers, ...balancers].map((method) => selectWorker(picture, request, method)?.candidate.name);
    assert.deepEqual(new Set(chosen), new Set([rendezvousOf(`${n}CAFE`, [r1, r2, r3])]));
  }
});

test("Requests with a session count for the balancing method", () => {
  const method = new ByRequests();
  const picture = snapshot({ tiers: [[r1, r2]] });
  const request = { sessionIds: ["abc.r1"], tried: [], force: false, isInUse: () => false };
  selectWorker(picture, request, method);
  selectWorker(picture, request, method);
  const fresh = { ...request, sessionIds: [] };
  assert.equal(selectWorker(picture, fresh, method)?.candidate.name, "r2");
  assert.equal(selectWorker(picture, fresh, method)?.candidate.name, "r2");
});
