// What is done to a cluster under load, and what the promise says about it.
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessCluster } from "../support/process-cluster.ts";
import { memoryMiB } from "../support/process-cpu.ts";
import type { NamespaceNetwork } from "../support/process-networks.ts";
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

export interface Fault {
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
  /** Views of the group must stay as they are (rules 2, 3). */
  readonly keepsViews?: boolean;
  readonly needsNamespaces?: boolean;
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

async function restartBy(signal: NodeJS.Signals, { cluster, victim }: Pick<FaultScene, "cluster" | "victim">): Promise<void> {
  const pid = victim.pid!;
  victim.signal(signal);
  await cluster.restarted(victim, pid);
}

export const FAULTS: readonly Fault[] = [
  {
    name: "kill",
    title: "SIGKILL of a worker",
    allows: { post: { noticedWithinMs: DEAD_NOTICED_MS } },
    async run(scene) {
      scene.struck(scene.victim);
      await restartBy("SIGKILL", scene);
    },
  },
  {
    name: "terminate",
    title: "SIGTERM of a worker",
    run: (scene) => restartBy("SIGTERM", scene),
  },
  {
    name: "crash",
    title: "error of the application that nobody catches",
    async run({ cluster, victim }) {
      const pid = victim.pid!;
      await get(`${victim.url}/ledger/crash`);
      await cluster.restarted(victim, pid);
    },
  },
  {
    name: "roll",
    title: "rolling restart of all workers",
    async run({ cluster }) {
      for (const victim of cluster.workers) await restartBy("SIGTERM", { cluster, victim });
    },
  },
  {
    name: "freeze",
    title: "SIGSTOP of a worker, and back",
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
    keepsViews: true,
    run: ({ victim, durations }) => get(`${victim.url}/ledger/spin?ms=${durations.blockedMs}`),
  },
  {
    name: "dns",
    title: "DNS server silent, then gone",
    keepsViews: true,
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
        await cluster.until("every worker takes the slow reader for a member", async () =>
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
      await restartBy("SIGTERM", { cluster, victim });
      const pid = victim.pid!;
      const before = memoryMiB(pid);
      for (let n = 0; n < FAILING_REQUESTS; n++) await get(`${victim.url}/ledger/fail`);
      if (victim.pid !== pid) throw new Error("The worker did not survive that its log cannot be written");
      note(`${FAILING_REQUESTS} log lines, ${Math.round(memoryMiB(pid) - before)} MiB more memory`);
      victim.outputPath = undefined;
      await restartBy("SIGTERM", { cluster, victim });
      const { code } = victim.exits.at(-1)!;
      if (code !== 0) throw new Error(`The worker whose log cannot be written ended with ${code}`);
    },
  },
];

async function get(url: string): Promise<void> {
  await (await fetch(url)).arrayBuffer();
}
