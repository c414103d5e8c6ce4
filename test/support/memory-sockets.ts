// A TCP network in memory, driven by virtual time: what the channel's transport meets in production, without the kernel.
import { EventEmitter } from "node:events";
import type { Server, Socket, TcpNetConnectOpts } from "node:net";
import type { Timer } from "../../src/base/index.ts";
import type { Sockets } from "../../src/channel/transport/sockets.ts";
import { MemorySocket, type Outlet } from "./memory-socket.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** `Refuses`: its machine runs, the process does not. `Silent`: nothing answers there. */
export type Absence = "Refuses" | "Silent";

/** Bytes that a connection holds in both kernels before its writer has to wait. */
const WINDOW_BYTES = 256 * 1024;
/** TCP asks again after a pause that has grown with the time of the interruption. */
const LEAST_RETRANSMIT_MS = 200;
const MOST_RETRANSMIT_MS = 3000;

/** One process with an address of its own. */
export class MemoryHost {
  readonly address: string;
  readonly sockets: Sockets;
  readonly listeners = new Map<number, MemoryServer>();
  readonly ends = new Set<ConnectionEnd>();
  readonly inward = new Set<Direction>();
  #readRate = Number.POSITIVE_INFINITY;
  #state: "Running" | "Frozen" | "Dead" = "Running";
  #held: (() => void)[] = [];
  readonly #time: VirtualTime;

  constructor(network: MemorySockets, time: VirtualTime, address: string) {
    this.address = address;
    this.#time = time;
    this.sockets = {
      connect: (options) => network.connect(this, options) as unknown as Socket,
      createServer: () => new MemoryServer(this) as unknown as Server,
    };
  }

  /** Bytes a millisecond that it reads from each connection. */
  get readRate(): number {
    return this.#readRate;
  }

  set readRate(bytesPerMs: number) {
    this.#readRate = bytesPerMs;
    for (const direction of this.inward) direction.readRateChanged();
  }

  get alive(): boolean {
    return this.#state !== "Dead";
  }

  /** Lets the process see something: now, or when it runs again. */
  tell(task: () => void): void {
    if (this.#state === "Running") task();
    else if (this.#state === "Frozen") this.#held.push(task);
  }

  /** The kernel goes on: it accepts connections and bytes. */
  freeze(): void {
    if (this.#state === "Running") this.#state = "Frozen";
  }

  thaw(): void {
    if (this.#state !== "Frozen") return;
    this.#state = "Running";
    for (const task of this.#held.splice(0)) this.#time.after(0, () => this.tell(task));
  }

  kill(): void {
    this.#state = "Dead";
    this.#held = [];
    this.listeners.clear();
  }
}

export class MemorySockets {
  /** Milliseconds from one address to another, asked for each segment. */
  delay: (from: string, to: string) => number = () => 1;
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly #hosts = new Map<string, MemoryHost>();
  readonly #absence = new Map<string, Absence>();
  readonly #stalled = new Set<Direction>();
  #cut: (from: string, to: string) => boolean = () => false;

  constructor(time: VirtualTime, random: SeededRandom) {
    this.time = time;
    this.random = random;
  }

  /** A process starts at this address. */
  host(address: string): MemoryHost {
    const host = new MemoryHost(this, this.time, address);
    this.#hosts.set(address, host);
    return host;
  }

  hostAt(address: string): MemoryHost | undefined {
    const host = this.#hosts.get(address);
    return host?.alive ? host : undefined;
  }

  /** SIGKILL, or the loss of the machine: then nobody is told. */
  kill(host: MemoryHost, absence: Absence): void {
    this.#absence.set(host.address, absence);
    host.kill();
    for (const end of host.ends) end.processDied(absence);
  }

  /** What answers at an address where no process is. */
  absenceAt(address: string): Absence {
    return this.#absence.get(address) ?? "Silent";
  }

  /** Cuts directions; what is on its way waits, as TCP repeats it. Replaces the cut before. */
  cut(isCut: (from: string, to: string) => boolean): void {
    this.#cut = isCut;
    for (const direction of [...this.#stalled]) {
      if (!direction.open) continue;
      this.#stalled.delete(direction);
      this.time.after(this.random.between(LEAST_RETRANSMIT_MS, MOST_RETRANSMIT_MS), () => direction.resume());
    }
  }

  heal(): void {
    this.cut(() => false);
  }

  /** Something between the machines forgets every connection: both ends see a reset, and what was on its way is lost. */
  breakConnections(): void {
    for (const host of this.#hosts.values()) for (const end of [...host.ends]) end.broke();
  }

  reaches(from: string, to: string): boolean {
    return !this.#cut(from, to);
  }

  stalled(direction: Direction): void {
    this.#stalled.add(direction);
  }

  connect(from: MemoryHost, options: TcpNetConnectOpts): MemorySocket {
    const address = String(options.host);
    const socket = new MemorySocket(address);
    this.time.after(this.delay(from.address, address), () => this.#arrive(from, socket, address, options.port));
    return socket;
  }

  #arrive(from: MemoryHost, socket: MemorySocket, address: string, port: number): void {
    // A lost SYN is repeated after a second, when the connection attempts of the channel are over.
    if (!this.reaches(from.address, address) || !this.reaches(address, from.address)) return;
    const backMs = this.delay(address, from.address);
    const host = this.hostAt(address);
    const server = host?.listeners.get(port);
    if (host === undefined || server === undefined) {
      if (host === undefined && this.absenceAt(address) === "Silent") return;
      this.time.after(backMs, () => from.tell(() => socket.failed("ECONNREFUSED")));
      return;
    }
    const accepted = new MemorySocket(from.address);
    const there = new ConnectionEnd(this, host, accepted);
    const here = new ConnectionEnd(this, from, socket);
    const outward = new Direction(this, here, there);
    const inward = new Direction(this, there, here);
    here.outlet = outward;
    there.outlet = inward;
    accepted.connected(inward);
    host.tell(() => server.accept(accepted));
    this.time.after(backMs, () => from.tell(() => socket.connected(outward)));
  }
}

/** A socket and the process it belongs to. */
class ConnectionEnd {
  readonly host: MemoryHost;
  readonly socket: MemorySocket;
  readonly #network: MemorySockets;
  outlet: Direction | undefined;

  constructor(network: MemorySockets, host: MemoryHost, socket: MemorySocket) {
    this.#network = network;
    this.host = host;
    this.socket = socket;
    host.ends.add(this);
    socket.onDestroy = () => host.ends.delete(this);
  }

  /** The kernel closes what the process had open. */
  processDied(absence: Absence): void {
    if (absence === "Refuses") this.outlet?.finish(true, this.socket.hasUnread);
    else this.outlet?.drop();
  }

  broke(): void {
    this.outlet?.cut();
    this.host.tell(() => this.socket.failed("ECONNRESET"));
  }

  arrived(bytes: Buffer): void {
    if (this.host.alive) this.host.tell(() => this.socket.received(bytes));
    else if (this.#network.hostAt(this.host.address) !== undefined || this.#network.absenceAt(this.host.address) === "Refuses") {
      this.outlet?.finish(true, true);
    }
  }

  ended(reset: boolean): void {
    this.host.tell(() => (reset ? this.socket.failed("ECONNRESET") : this.socket.finished()));
  }
}

interface Segment {
  readonly bytes: Buffer | undefined;
  readonly arrivalMs: number;
  /** Only of the last one: it resets the connection. */
  readonly reset: boolean;
}

/** One direction of a connection: in order, without loss, with a bounded number of bytes under way. */
class Direction implements Outlet {
  readonly #network: MemorySockets;
  readonly #from: ConnectionEnd;
  readonly #to: ConnectionEnd;
  readonly #segments: Segment[] = [];
  /** What the kernel has no room for. */
  #queue: { bytes: Buffer; taken: () => void }[] = [];
  #underWay = 0;
  #finished = false;
  #due: Timer | undefined;
  #stalled = false;
  #lastArrivalMs = 0;

  constructor(network: MemorySockets, from: ConnectionEnd, to: ConnectionEnd) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
    to.host.inward.add(this);
    to.socket.onRead = (bytes) => {
      this.#underWay -= bytes;
      this.#pump();
    };
  }

  get open(): boolean {
    return this.#network.reaches(this.#from.host.address, this.#to.host.address);
  }

  send(bytes: Buffer, taken: () => void): void {
    if (this.#finished) return;
    this.#queue.push({ bytes, taken });
    this.#pump();
  }

  finish(cut: boolean, reset = false): void {
    if (cut) this.#queue = [];
    if (this.#finished) return;
    this.#finished = true;
    this.#transmit(undefined, reset);
  }

  /** The machine is gone, and what its kernel holds with it. */
  drop(): void {
    this.#finished = true;
    this.#queue = [];
  }

  cut(): void {
    this.drop();
    this.#segments.length = 0;
    this.#due?.cancel();
    this.#due = undefined;
    this.#to.host.inward.delete(this);
  }

  readRateChanged(): void {
    this.#due?.cancel();
    this.#due = undefined;
    this.#schedule();
  }

  resume(): void {
    this.#stalled = false;
    this.#schedule();
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#underWay < WINDOW_BYTES && this.#from.host.alive) {
      const { bytes, taken } = this.#queue.shift()!;
      this.#underWay += bytes.length;
      this.#transmit(bytes, false);
      this.#from.host.tell(taken);
    }
  }

  #transmit(bytes: Buffer | undefined, reset: boolean): void {
    const { time } = this.#network;
    const delayMs = this.#network.delay(this.#from.host.address, this.#to.host.address);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, time.nowMs + delayMs);
    this.#segments.push({ bytes, arrivalMs: this.#lastArrivalMs, reset });
    this.#schedule();
  }

  #schedule(): void {
    const first = this.#segments[0];
    if (this.#due !== undefined || this.#stalled || first === undefined) return;
    const { time } = this.#network;
    const readingMs = first.bytes === undefined ? 0 : first.bytes.length / this.#to.host.readRate;
    this.#due = time.after(Math.max(0, first.arrivalMs - time.nowMs) + readingMs, () => this.#read());
  }

  #read(): void {
    this.#due = undefined;
    if (!this.open) {
      this.#stalled = true;
      this.#network.stalled(this);
      return;
    }
    const { bytes, reset } = this.#segments.shift()!;
    if (bytes === undefined) {
      this.#to.host.inward.delete(this);
      this.#to.ended(reset);
    } else this.#to.arrived(bytes);
    this.#schedule();
  }
}

/** node:net's Server as far as the channel uses it. */
class MemoryServer extends EventEmitter {
  maxConnections = 0;
  readonly #host: MemoryHost;
  readonly #sockets = new Set<MemorySocket>();
  #port = 0;
  #onClosed: (() => void) | undefined;

  constructor(host: MemoryHost) {
    super();
    this.#host = host;
  }

  listen(port: number, _address: string): void {
    this.#port = port;
    this.#host.listeners.set(port, this);
    process.nextTick(() => this.emit("listening"));
  }

  address(): { address: string; port: number; family: string } {
    return { address: this.#host.address, port: this.#port, family: "IPv4" };
  }

  accept(socket: MemorySocket): void {
    if (this.#onClosed !== undefined) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#closeIfEmpty();
    });
    this.emit("connection", socket);
  }

  close(closed: () => void): void {
    this.#host.listeners.delete(this.#port);
    this.#onClosed = closed;
    this.#closeIfEmpty();
  }

  #closeIfEmpty(): void {
    if (this.#onClosed !== undefined && this.#sockets.size === 0) process.nextTick(this.#onClosed);
  }
}
