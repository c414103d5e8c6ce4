// One fault in one mode of replication: a cluster is made, loaded, struck, left to heal, and asked what it still knows.
import { setTimeout as sleep } from "node:timers/promises";
import { differenceAfterQuiet } from "../support/equal-copies.ts";
import { ManifestFolder } from "../support/local-cluster.ts";
import { ProcessCluster } from "../support/process-cluster.ts";
import { loopbackNetwork, NamespaceNetwork } from "../support/process-networks.ts";
import type { WorkerProcess } from "../support/worker-process.ts";
import type { Durations, Fault, FaultPromise } from "./faults.ts";
import { type Harm, LedgerLoad, type LedgerLoadOptions } from "./ledger-load.ts";

export type Mode = "Synchronous" | "Asynchronous";

/** Every session on every worker, or on two. */
export type Manager = "Delta" | "Backup";

export interface FaultScale {
  /** Default Delta. */
  readonly manager?: Manager;
  readonly load: LedgerLoadOptions;
  readonly durations: Durations;
}

export interface FaultResult extends Harm {
  readonly fault: FaultPromise;
  readonly mode: Mode;
  /** When which worker was struck. */
  readonly strikes: readonly { readonly route: string; readonly atMs: number }[];
  /** Of the workers' views of the group, from the fault on; undefined: not counted. */
  readonly viewChanges: number | undefined;
  /** What `tomcat-cluster verify` says when the copies do not become equal. */
  readonly difference: string | undefined;
  readonly notes: readonly string[];
}

const WORKERS = 3;
/** Before the fault, so that connections are warm and every client has been around once. */
const WARM_UP_MS = 1500;
/** What a POST writes while a member reads slowly: enough to fill sockets, and then queues. */
const FULL_QUEUE_BYTES = 16_384;

export async function runFault(
  fault: Fault,
  mode: Mode,
  { manager: type = "Delta", load: loadOptions, durations }: FaultScale,
): Promise<FaultResult> {
  const folder = new ManifestFolder().addFixture("ledger").writeManifest({
    replicas: WORKERS,
    replication: { mode },
    drain: { quietSeconds: 0.5, deadlineSeconds: 5 },
    applications: [{ path: "/ledger" }],
    // A member that tests make does not know the key.
    group: { manager: { type }, ...(fault.hasFurtherMember && { encryption: { mode: "Disabled" } }) },
  });
  const namespaces = fault.needsNamespaces ? NamespaceNetwork.create(WORKERS) : undefined;
  const network = namespaces ?? (await loopbackNetwork(WORKERS));
  const furtherMember = network.memberAddress(WORKERS);
  let cluster: ProcessCluster | undefined;
  try {
    cluster = await ProcessCluster.start(network, {
      manifest: folder.manifest,
      ...(fault.hasFurtherMember && { furtherMembers: [furtherMember] }),
    });
    const load = new LedgerLoad(cluster.url, { ...loadOptions, ...(fault.hasFurtherMember && { updateBytes: FULL_QUEUE_BYTES }) });
    await load.begin();
    await sleep(WARM_UP_MS);
    const victim = cluster.workers[1]!;
    if (load.sessionsOf(victim.name) === 0) throw new Error(`${victim.name} has no session that a fault could harm`);
    const strikes: { route: string; atMs: number }[] = [];
    const notes: string[] = [];
    const viewChangesBefore = viewChangesOf(cluster.workers);
    await fault.run({
      cluster,
      victim,
      durations,
      namespaces,
      furtherMember,
      struck: ({ name }) => strikes.push({ route: name, atMs: performance.now() }),
      note: (text) => notes.push(text),
    });
    await cluster.whole();
    await sleep(durations.calmMs);
    await load.end();
    const difference = await differenceAfterQuiet(cluster.workers.map(({ management }) => management));
    await load.audit(cluster.workers);
    return {
      fault,
      mode,
      strikes,
      ...load.harm,
      viewChanges: viewChangesOf(cluster.workers) - viewChangesBefore,
      difference,
      notes,
    };
  } finally {
    await cluster?.stop();
    await network.release();
    folder.remove();
  }
}

function viewChangesOf(workers: readonly WorkerProcess[]): number {
  return workers.reduce((sum, { viewChanges }) => sum + viewChanges.length, 0);
}
