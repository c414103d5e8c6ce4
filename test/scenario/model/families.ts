// What may go wrong, by kind: each family is a way to draw a story from a seed.
import type { ComponentConfig } from "../../../src/config/index.ts";
import { encryption, failureDetector, interceptorConfig, messageDispatch } from "../../support/channel-cluster.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { BALANCER_ADDRESS } from "./balancer-model.ts";
import type { WorkerProcess } from "./worker-process.ts";
import type { World, WorldOptions } from "./world.ts";

type Note = (fault: string) => void;

interface FamilyEntry {
  readonly settings: (seed: string) => Omit<WorldOptions, "seed" | "traced" | "off">;
  readonly play: (world: World, note: Note) => Promise<void>;
}

const MEBIBYTE = 1024 * 1024;
const SETTLE_LIMIT_MS = 90_000;

function usual(seed: string): Omit<WorldOptions, "seed" | "traced" | "off"> {
  const random = new SeededRandom(`settings/${seed}`);
  return {
    synchronous: true,
    required: false,
    poolSize: random.pick([1, 4]),
    loadBytes: 0,
    clockSkewMs: random.pick([0, 1000, 10_000]),
    maxQueueBytes: 64 * MEBIBYTE,
    leastDelayMs: 0.2,
    mostDelayMs: random.pick([1, 5, 30]),
  };
}

/** A group of `least` to `most`, all at once or one after the other; resolves when everybody is ready and sessions exist. */
async function begin(world: World, least: number, most: number, mayLose = false): Promise<void> {
  const { random } = world;
  const count = random.between(least, most);
  const staggered = random.chance(0.5);
  for (let index = 0; index < count; index++) {
    world.start(`shop-${index}`);
    if (staggered) await world.run(random.between(0, 3000));
  }
  world.open(random.between(3, 7), { leastThinkMs: 50, mostThinkMs: random.pick([300, 1500, 3000]), mayLose });
  await settled(world);
  await world.run(random.between(500, 4000));
}

/**
 * A worker that asked another one during a fault may take it for dead a moment after the fault is over: the group has to be whole at
 * the end of the pause too, else the next fault would be a second one at the same time.
 */
async function settled(world: World): Promise<void> {
  const whole = () => world.expect("one group of ready workers that are up to date", SETTLE_LIMIT_MS, () => world.settled);
  await whole();
  await world.run(world.random.between(500, 2500));
  await whole();
}

function anyReady(world: World): WorkerProcess {
  return world.random.pick(world.ready);
}

async function killOne(world: World, note: Note): Promise<void> {
  await killAndReplace(world, note, world.random.chance(0.4));
}

/** The kernel goes on and sends what it has taken (rule 9). */
async function killProcess(world: World, note: Note): Promise<void> {
  await killAndReplace(world, note, false);
}

async function killAndReplace(world: World, note: Note, withMachine: boolean): Promise<void> {
  const { random } = world;
  const worker = anyReady(world);
  note(`${withMachine ? "loss of the machine of" : "SIGKILL of"} ${worker.name}`);
  world.kill(worker, withMachine);
  await world.run(random.between(0, 12_000));
  const sameAddress = !withMachine && random.chance(0.3);
  note(`new ${worker.name}${sameAddress ? " at the same address" : ""}`);
  world.start(worker.name, { sameAddress });
  await settled(world);
}

async function join(world: World, note: Note): Promise<void> {
  const name = `shop-${world.workers.size}`;
  note(`${name} joins`);
  world.start(name);
  await settled(world);
}

/** All of them at once lose their connections: frames whose acknowledgements are lost are sent again (rule 12). */
async function breakConnections(world: World, note: Note): Promise<void> {
  const times = world.random.between(1, 6);
  note(`every connection breaks, ${times} times`);
  for (let time = 0; time < times; time++) {
    world.network.breakConnections();
    await world.run(world.random.between(20, 1500));
  }
  await settled(world);
}

/** The member that a joiner asks first dies somewhere in between (rule 6). */
async function killDonor(world: World, note: Note): Promise<void> {
  const { random } = world;
  const [donor] = [...world.ready].sort((one, other) => (one.address < other.address ? -1 : 1));
  const name = `shop-${world.workers.size}`;
  note(`${name} joins`);
  world.start(name);
  await world.run(random.between(0, 6000));
  note(`SIGKILL of ${donor!.name}, which gives it the state`);
  world.kill(donor!, random.chance(0.3));
  await settled(world);
}

/** Rule 18: one after the other, each when the one before is back; no client notices. */
async function rollingRestart(world: World, note: Note): Promise<void> {
  const failures = world.failures;
  for (const worker of world.random.shuffled(world.ready)) await restart(world, note, worker);
  if (world.failures > failures) world.violate(`${world.failures - failures} requests failed during a rolling restart`);
}

async function terminate(world: World, note: Note): Promise<void> {
  await restart(world, note, anyReady(world));
}

async function restart(world: World, note: Note, worker: WorkerProcess): Promise<void> {
  note(`SIGTERM of ${worker.name}`);
  world.terminate(worker);
  await world.expect(`the end of ${worker.name}`, 60_000, () => !worker.alive);
  await world.run(world.random.between(0, 5000));
  note(`new ${worker.name}`);
  world.start(worker.name);
  await settled(world);
}

async function freeze(world: World, note: Note): Promise<void> {
  const worker = anyReady(world);
  const durationMs = world.random.pick([300, 900, 2000, 5000, 12_000, 25_000]) + world.random.between(0, 1000);
  note(`${worker.name} frozen for ${durationMs} ms`);
  world.freeze(worker);
  await world.run(durationMs);
  world.thaw(worker);
  note(`${worker.name} runs again`);
  await settled(world);
}

/** Between two parts of the group, both ways or one way; the balancer may reach both parts, or one only. */
async function partition(world: World, note: Note): Promise<void> {
  const { random, network } = world;
  const addresses = random.shuffled(world.live.map((worker) => worker.address));
  const apart = new Set(addresses.slice(0, random.between(1, Math.max(1, addresses.length - 1))));
  if (random.chance(0.3)) apart.add(BALANCER_ADDRESS);
  const balancerEverywhere = random.chance(0.5);
  const way = random.pick(["both ways", "both ways", "outward", "inward"]);
  const durationMs = random.pick([700, 3000, 8000, 20_000, 45_000]) + random.between(0, 1000);
  const names = world.live.filter((worker) => apart.has(worker.address)).map((worker) => worker.name);
  note(
    `${names.join(", ")} cut off ${way} for ${durationMs} ms, the balancer ${balancerEverywhere ? "reaches all" : apart.has(BALANCER_ADDRESS) ? "with them" : "not with them"}`,
  );
  network.cut((from, to) => {
    if (balancerEverywhere && (from === BALANCER_ADDRESS || to === BALANCER_ADDRESS)) return false;
    if (apart.has(from) === apart.has(to)) return false;
    return way === "both ways" || apart.has(from) === (way === "outward");
  });
  await world.run(durationMs);
  network.heal();
  note("healed");
  await settled(world);
}

/** A peer that reads a few bytes a second: the queues of the others fill up. */
async function slowPeer(world: World, note: Note): Promise<void> {
  const worker = anyReady(world);
  const durationMs = world.random.between(2000, 25_000);
  note(`${worker.name} reads slowly for ${durationMs} ms`);
  worker.host.readRate = world.random.pick([0.001, 0.05, 1]);
  await world.run(durationMs);
  worker.host.readRate = Number.POSITIVE_INFINITY;
  note(`${worker.name} reads again`);
  await settled(world);
}

async function nameTrouble(world: World, note: Note): Promise<void> {
  const { names, random } = world;
  const mood = random.pick(["Silent", "Refusing", "Absent", "Partial", "Stale"] as const);
  const durationMs = random.pick([1500, 6000, 20_000, 45_000, 70_000]);
  const addresses = world.live.map((worker) => worker.address);
  // One stays visible: a name that lists nobody but the asker says that it is the first (rule 5).
  names.hidden = new Set(random.shuffled(addresses).slice(1).slice(0, random.between(1, addresses.length)));
  names.stale = ["10.0.7.1", "10.0.7.2"].slice(0, random.between(1, 2));
  names.mood = mood;
  note(`DNS is ${mood} for ${durationMs} ms${mood === "Partial" ? `, without ${[...names.hidden].join(", ")}` : ""}`);
  const joiner = random.chance(0.3) ? `shop-${world.workers.size}` : undefined;
  await world.run(durationMs / 2);
  if (joiner !== undefined) {
    note(`${joiner} joins meanwhile`);
    world.start(joiner);
  }
  await world.run(durationMs / 2);
  names.mood = "Right";
  note("DNS is right again");
  await settled(world);
}

async function clockStep(world: World, note: Note): Promise<void> {
  const worker = anyReady(world);
  const beforeMs = worker.clock.offsetMs;
  worker.clock.offsetMs = world.random.between(0, 10_000);
  note(`the clock of ${worker.name} jumps by ${worker.clock.offsetMs - beforeMs} ms`);
  await world.run(world.random.between(1000, 10_000));
}

/** The network is slow and uneven for a while: packets take up to most of the time-out. */
async function slowNetwork(world: World, note: Note): Promise<void> {
  const { network, random } = world;
  const usual = network.delay;
  const mostMs = random.pick([100, 400, 900]);
  const durationMs = random.between(2000, 15_000);
  note(`packets take up to ${mostMs} ms for ${durationMs} ms`);
  const delays = random.fork("slow network");
  network.delay = () => delays.fraction() * mostMs;
  await world.run(durationMs);
  network.delay = usual;
  note("the network is fast again");
  await settled(world);
}

type Fault = (world: World, note: Note) => Promise<void>;

async function playSome(world: World, note: Note, faults: readonly Fault[]): Promise<void> {
  const count = world.random.between(1, 3);
  for (let index = 0; index < count; index++) await world.random.pick(faults)(world, note);
}

function oneAtATime(faults: readonly Fault[], most = 5, settings = usual): FamilyEntry {
  return {
    settings,
    play: async (world, note) => {
      await begin(world, 2, most);
      await playSome(world, note, faults);
    },
  };
}

/** Small enough that a peer which does not read fills it. */
function smallQueues(seed: string): ReturnType<typeof usual> {
  return { ...usual(seed), maxQueueBytes: 8192 };
}

/** Sessions that do not fit into one block together. */
function largeSessions(seed: string): ReturnType<typeof usual> {
  return { ...usual(seed), loadBytes: new SeededRandom(`load/${seed}`).pick([20_000, 60_000, 200_000]) };
}

/** Some of the interceptors, in one of the orders that are allowed; clocks agree as well as an EncryptInterceptor needs it. */
function someStack(seed: string): ReturnType<typeof usual> & { readonly interceptors: readonly ComponentConfig[] } {
  const random = new SeededRandom(`stack/${seed}`);
  const synchronous = random.chance(0.8);
  const some = (...configs: readonly ComponentConfig[]) => configs.filter(() => random.chance(0.6));
  const interceptors = [
    ...some(interceptorConfig("TwoPhaseCommitInterceptor")),
    ...random.shuffled([
      messageDispatch(),
      ...some(
        interceptorConfig("OrderInterceptor", { expire: random.pick([300, 3000]), forwardExpired: random.chance(0.7) }),
        interceptorConfig("GzipInterceptor", { compressionMinSize: random.pick([0, 300]), statsEnabled: true }),
        interceptorConfig("FragmentationInterceptor", { maxSize: 1024 }),
        interceptorConfig("ThroughputInterceptor"),
        interceptorConfig("DomainFilterInterceptor"),
      ),
    ]),
    ...some(encryption(), interceptorConfig("TcpPingInterceptor", { useThread: random.chance(0.5) })),
    failureDetector(),
  ];
  const loadBytes = random.pick([0, 0, 5000]);
  return { ...usual(seed), synchronous, clockSkewMs: random.pick([0, 1000]), loadBytes, interceptors };
}

function encryptedWithoutAnswers(seed: string): ReturnType<typeof usual> & { readonly interceptors: readonly ComponentConfig[] } {
  return { ...usual(seed), synchronous: false, clockSkewMs: 0, interceptors: [messageDispatch(), encryption(), failureDetector()] };
}

/** One fault at a time, each healed and settled before the next one: nothing that was answered may be lost. */
export const FAMILIES = {
  /** Processes and machines die, new ones come, some are told to stop. */
  kills: oneAtATime([killOne, killOne, join, terminate]),
  rolls: oneAtATime([rollingRestart], 4),
  /** State in several blocks, donors that die, members that join meanwhile. */
  transfers: oneAtATime([killDonor, killDonor, join, killOne], 4, largeSessions),
  /** The answers do not wait for acknowledgements: the loss of a process loses nothing, that of a machine may (rule 9). */
  asynchronous: oneAtATime([killProcess, join, terminate], 5, (seed) => ({ ...usual(seed), synchronous: false })),
  /** The same while everybody lives: what nobody acknowledges may be read too late to be taken, or not at all (rule 11). */
  unproven: oneAtATime([freeze, slowPeer, slowNetwork, breakConnections], 4, encryptedWithoutAnswers),
  /** Answers only what another worker has (rule 8). */
  required: oneAtATime([killOne, freeze, partition, breakConnections], 4, (seed) => ({ ...usual(seed), required: true })),
  connections: oneAtATime([breakConnections]),
  /** SIGSTOP, or an event loop that is blocked, from a moment to half a minute. */
  freezes: oneAtATime([freeze]),
  partitions: oneAtATime([partition]),
  slow: oneAtATime([slowPeer, slowPeer, slowNetwork], 4, smallQueues),
  /** DNS outages and lies, clocks that jump. */
  names: oneAtATime([nameTrouble, nameTrouble, clockStep]),
  /** Any of this with interceptors of every kind between the manager and the wire. */
  stacks: oneAtATime(
    [killProcess, join, terminate, freeze, partition, slowPeer, slowNetwork, breakConnections, rollingRestart],
    5,
    someStack,
  ),
  /** A BackupManager: what takes one worker at a time, or hides it, takes no session. */
  backups: oneAtATime(
    [killOne, killProcess, join, terminate, rollingRestart, freeze, slowPeer, slowNetwork, breakConnections],
    5,
    (seed) => ({
      ...usual(seed),
      backups: true,
    }),
  ),
  mixed: oneAtATime(
    [killOne, join, terminate, freeze, partition, slowPeer, nameTrouble, clockStep, slowNetwork, breakConnections],
    7,
    smallQueues,
  ),
} as const satisfies Record<string, FamilyEntry>;

export type Family = keyof typeof FAMILIES;
