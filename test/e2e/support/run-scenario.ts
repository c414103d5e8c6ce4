// One scenario: clients begin, it happens to all clusters at once, they heal, and are asked what they still know.
import { setTimeout as sleep } from "node:timers/promises";
import { LedgerLoad, type LedgerLoadOptions } from "../../reliability/ledger-load.ts";
import type { FaultResult } from "../../reliability/run-fault.ts";
import { differenceAfterQuiet } from "../../support/equal-copies.ts";
import type { DeployedCluster } from "./deployed-cluster.ts";
import type { Scenario, Scene } from "./scenarios.ts";

/** For each cluster. */
const LOAD: LedgerLoadOptions = { sessions: 200, clients: 20, pauseMs: 100 };
/** Before it happens, so that connections are warm and every client has been around once. */
const WARM_UP_MS = 1500;
/** Several look-ups and probes of the membership. */
const CALM_MS = 3000;

interface Loaded {
  readonly cluster: DeployedCluster;
  readonly load: LedgerLoad;
  readonly strikes: { readonly route: string; readonly atMs: number }[];
}

/** One result for each cluster. */
export async function runScenario(scenario: Scenario, scene: Omit<Scene, "struck">): Promise<readonly FaultResult[]> {
  const { clusters } = scene;
  await Promise.all(clusters.map((cluster) => cluster.whole()));
  const all = await Promise.all(
    clusters.map(async (cluster): Promise<Loaded> => ({ cluster, load: new LedgerLoad(await cluster.url(), LOAD), strikes: [] })),
  );
  await Promise.all(all.map(({ load }) => load.begin()));
  try {
    await sleep(WARM_UP_MS);
    await scenario.run({
      ...scene,
      struck: (cluster, { name }) =>
        all.find((loaded) => loaded.cluster === cluster)!.strikes.push({ route: name, atMs: performance.now() }),
    });
    await Promise.all(clusters.map((cluster) => cluster.whole()));
    await sleep(CALM_MS);
  } finally {
    await Promise.all(all.map(({ load }) => load.end()));
  }
  return Promise.all(all.map((loaded) => resultOf(scenario, loaded)));
}

async function resultOf(fault: Scenario, { cluster, load, strikes }: Loaded): Promise<FaultResult> {
  const workers = await cluster.workers();
  const difference = await differenceAfterQuiet(workers.map(({ management }) => management));
  await load.audit(workers);
  return {
    fault,
    mode: cluster.mode,
    strikes,
    ...load.harm,
    viewChanges: undefined,
    difference,
    notes: [],
  };
}
