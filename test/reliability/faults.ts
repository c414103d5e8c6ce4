// What is done to a cluster under load, and what the promise says about it.
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessCluster } from "../support/process-cluster.ts";
import { memoryMiB } from "../support/process-cpu.ts";
import type { NamespaceNetwork } from "../support/process-networks.ts";
import { until } from "../support/until.ts";
import type { WorkerProcess } from "../support/worker-process.ts";
import { SlowMember } from "./slow-member.ts";

/** How long faults last. */
export interface Durations {
  readonly frozenMs: number;
  readonly withoutDnsMs: number;
  readonly cutOffMs: number;
  readonly slowReaderMs: number;
  readonly blockedMs: number;
  /** How long the load goes on after the fault: several look-ups and probes of the membership. */
  readonly calmMs: number;
}

export interface FaultScene {
  readonly cluster: ProcessCluster;
  readonly victim: WorkerProcess;
  readonly durations: Durations;
  /** Only for faults that need one. */
  readonly namespaces: NamespaceNetwork | undefined;
  /** Of the member beside the workers, for faults that have one. */
  readonly furtherMember: string;
  /** From now on requests that this worker had may fail, as far as the fault's promise says so. */
  struck(worker: WorkerProcess): void;
  /** A count of the fault's own that the table's reader wants to know. */
  note(text: string): void;
}

/** What the promise says about a fault. */
export interface FaultPromise {
  readonly name: string;
  /** For the table. */
  readonly title: string;
  /**
   * What the promise (product.md, rules.md) allows beyond "no error, no lost session, no answered update lost, nothing twice, all copies
   * equal". `post`: POST requests that the struck worker had when it was struck, or that were sent to it in the time that it takes to notice.
   */
  readonly allows?: {
    readonly post?: { readonly noticedWithinMs: number };
    /** Asynchronous replication only: what the machine had not sent when it was cut off. */
    readonly lostUpdatesWhenAsynchronous?: boolean;
  };
  /** How often workers' views of the group change at most, all together: views that flap change more often (rules 2, 3). */
  readonly mostViewChanges?: number;
}

export interface Fault extends FaultPromise {
  readonly needsNamespaces?: boolean;
  /** It is long and costs nothing: in `npm run reliability` its modes run side by side. */
  readonly long?: boolean;
  readonly hasFurtherMember?: boolean;
  /** Resolves when the cause is gone; the cluster may need a while then. */
  run(scene: FaultScene): Promise<void>;
}

/** Rule 19: a connection is used for a POST within 1 s after its last use without asking. */
const DEAD_NOTICED_MS = 1000;
/** Two health checks without an answer in 1 s each, a second apart, and what a busy machine adds. */
const SILENT_NOTICED_MS = 6000;
const FAILING_REQUESTS = 2000;
const MIB = 1024 * 1024;
/** maxQueueSize of MessageDispatchInterceptor. */
const MAX_QUEUE_BYTES = 64 * MIB;

type Restarted = Pick<FaultScene, "cluster" | "victim">;

/** Resolves when the worker is ready again. Throws when its process did not end with this code, or of this signal. */
async function restartAfter(act: () => unknown, { cluster, victim }: Restarted, expected: number | NodeJS.Signals): Promise<void> {
  const pid = victim.pid!;
  await act();
  await cluster.restarted(victim, pid);
  const { code, signal } = victim.exits.at(-1)!;
  if ((signal ?? code) !== expected) throw new Error(`${victim.name} ended with ${signal ?? code}, not ${expected}`);
}

function terminate(scene: Restarted): Promise<void> {
  return restartAfter(() => scene.victim.signal("SIGTERM"), scene, 0);
}

export const FAULTS: readonly Fault[] = [
  {
    name: "kill",
    title: "SIGKILL of a worker",
    allows: { post: { noticedWithinMs: DEAD_NOTICED_MS } },
    async run(scene) {
      scene.struck(scene.victim);
      await restartAfter(() => scene.victim.signal("SIGKILL"), scene, "SIGKILL");
    },
  },
  {
    name: "terminate",
    title: "SIGTERM of a worker",
    run: terminate,
  },
  {
    name: "crash",
    title: "error of the application that nobody catches",
    run: (scene) => restartAfter(() => get(`${scene.victim.url}/ledger/crash`), scene, 1),
  },
  {
    name: "roll",
    title: "rolling restart of all workers",
    async run({ cluster }) {
      for (const victim of cluster.workers) await terminate({ cluster, victim });
    },
  },
  {
    name: "freeze",
    title: "SIGSTOP of a worker, and back",
    // Both others lose one member and get it back; the frozen one sees nothing.
    mostViewChanges: 4,
    allows: { post: { noticedWithinMs: SILENT_NOTICED_MS } },
    async run({ victim, durations, struck }) {
      struck(victim);
      victim.signal("SIGSTOP");
      await sleep(durations.frozenMs);
      victim.signal("SIGCONT");
    },
  },
  {
    name: "block",
    title: "event loop of a worker blocked by the application",
    mostViewChanges: 0,
    run: ({ victim, durations }) => get(`${victim.url}/ledger/spin?ms=${durations.blockedMs}`),
  },
  {
    name: "dns",
    title: "DNS server silent, then gone",
    long: true,
    mostViewChanges: 0,
    async run({ cluster, durations }) {
      cluster.dns.kill("SIGSTOP");
      await sleep(durations.withoutDnsMs / 2);
      await cluster.dns.stop();
      await sleep(durations.withoutDnsMs / 2);
      await cluster.dns.start();
    },
  },
  {
    name: "cut-off",
    title: "network between a worker and the others cut; the balancer reaches all",
    mostViewChanges: 8,
    needsNamespaces: true,
    async run({ namespaces, victim, durations }) {
      namespaces!.cutOff(victim.index);
      await sleep(durations.cutOffMs);
      namespaces!.join(victim.index);
    },
  },
  {
    name: "unplug",
    title: "network of a worker cut from everything",
    // Two members lose one, one loses two, and back.
    mostViewChanges: 8,
    needsNamespaces: true,
    allows: { post: { noticedWithinMs: SILENT_NOTICED_MS }, lostUpdatesWhenAsynchronous: true },
    async run({ namespaces, victim, durations, struck }) {
      struck(victim);
      namespaces!.takeLinkDown(victim.index);
      await sleep(durations.cutOffMs);
      namespaces!.takeLinkUp(victim.index);
    },
  },
  {
    name: "slow-reader",
    title: "member that reads one byte a second",
    hasFurtherMember: true,
    async run({ cluster, furtherMember, durations, note }) {
      const member = await SlowMember.start(furtherMember, cluster.workers);
      try {
        await until("every worker takes the slow reader for a member", async () =>
          (await Promise.all(cluster.workers.map((worker) => worker.page()))).every(({ members }) =>
            members.some(({ name, state }) => name.includes(`//${furtherMember}:`) && state === "Alive"),
          ),
        );
        member.readSlowly();
        let mostBytes = 0;
        for (const endMs = performance.now() + durations.slowReaderMs; performance.now() < endMs; await sleep(250)) {
          const pages = await Promise.all(cluster.workers.map((worker) => worker.page()));
          mostBytes = Math.max(mostBytes, ...pages.map(({ queueBytes }) => queueBytes));
        }
        if (mostBytes > MAX_QUEUE_BYTES) throw new Error(`A worker has queued ${mostBytes} bytes for a member that does not read`);
        note(`${(mostBytes / MIB).toFixed(1)} MiB queued at most`);
      } finally {
        await member.stop();
      }
    },
  },
  {
    name: "disk-full",
    title: "disk full for the log of a worker",
    async run({ cluster, victim, note }) {
      victim.outputPath = "/dev/full";
      await terminate({ cluster, victim });
      const pid = victim.pid!;
      const before = memoryMiB(pid);
      for (let n = 0; n < FAILING_REQUESTS; n++) await get(`${victim.url}/ledger/fail`);
      if (victim.pid !== pid) throw new Error("The worker did not survive that its log cannot be written");
      note(`${FAILING_REQUESTS} log lines, ${Math.round(memoryMiB(pid) - before)} MiB more memory`);
      victim.outputPath = undefined;
      await terminate({ cluster, victim });
    },
  },
];

async function get(url: string): Promise<void> {
  await (await fetch(url)).arrayBuffer();
}
