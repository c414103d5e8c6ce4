// Members of one group in memory that share a map: real channels on a network and a clock that a test drives.
import { type Logger, Registry, silentLogger } from "../../src/base/index.ts";
import type { ChannelMessage, Member, MembershipListener, MembershipService } from "../../src/channel/channel.ts";
import { ChannelCoordinator } from "../../src/channel/channel-coordinator.ts";
import { ChannelMetrics } from "../../src/channel/channel-metrics.ts";
import { GroupChannel } from "../../src/channel/group-channel.ts";
import { decodeRpcMessage, isRpcClass } from "../../src/channel/rpc-message.ts";
import { createMember } from "../../src/channel/wire/member-block.ts";
import { BYTE_MESSAGE } from "../../src/channel/wire/options.ts";
import type { AbstractReplicatedMap } from "../../src/replication/map/abstract-replicated-map.ts";
import { LazyReplicatedMap, type LazyReplicatedMapDeps } from "../../src/replication/map/lazy-replicated-map.ts";
import { MAP_EVENTS, MAP_MESSAGE_CLASS, type MapMessage, mapMessageFromJava } from "../../src/replication/map/map-message.ts";
import type { ReplicatedMapDeps, ReplicatedMapOptions } from "../../src/replication/map/map-options.ts";
import type { MapValues } from "../../src/replication/map/map-values.ts";
import { ReplicatedMap } from "../../src/replication/map/replicated-map.ts";
import { type JavaValue, ObjectInputStream, ObjectOutputStream, peekClassName, SuidTable } from "../../src/serialization/index.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryNetwork } from "./memory-network.ts";
import { SeededRandom } from "./seeded-random.ts";

export const MAP_ID = "localhost#/app-map";

/** A list of words, each with the number of its making: what a session is to a BackupManager, as far as maps can tell. */
export class Words {
  readonly words: string[];
  version: number;
  unsent = 0;
  isAccessDue = false;
  accesses = 0;

  constructor(words: readonly string[] = []) {
    this.words = [...words];
    this.version = words.length;
  }

  add(word: string): this {
    this.words.push(word);
    this.version++;
    this.unsent++;
    return this;
  }
}

function written(text: string): Buffer {
  const stream = new ObjectOutputStream();
  stream.writeObject(text);
  return stream.toBuffer();
}

function readText(stream: Buffer): string {
  const text = new ObjectInputStream(stream).readObject();
  if (typeof text !== "string") throw new Error("No text");
  return text;
}

export const wordValues: MapValues<Words> = {
  write: (value) => written(value.words.join(" ")),
  read: (stream) => new Words(readText(stream).split(" ").filter(Boolean)),
  replace: (mine, theirs) => {
    const kept = new Words(theirs.words);
    for (const word of mine.words.slice(mine.words.length - mine.unsent)) kept.add(word);
    return kept;
  },
  isDirty: (value) => value.unsent > 0,
  diff: (value) => written(value.words.slice(value.words.length - value.unsent).join(" ")),
  applyDiff: (value, diff) => {
    for (const word of readText(diff).split(" ")) value.add(word);
    value.unsent = 0;
  },
  isAccessDue: (value) => value.isAccessDue,
  accessed: (value) => {
    value.accesses++;
  },
  sent: (value) => {
    value.unsent = 0;
    value.isAccessDue = false;
  },
  compare: (mine, theirs) => mine.version - theirs.version || compareTexts(mine.words.join(" "), theirs.words.join(" ")),
};

function compareTexts(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

class MemoryMembership implements MembershipService {
  readonly localMember: Member;
  readonly listsLocalMember = true;
  listener: MembershipListener = { memberAdded: () => undefined, memberDisappeared: () => undefined };
  members: readonly Member[] = [];

  constructor(localMember: Member) {
    this.localMember = localMember;
  }

  async start(): Promise<void> {
    // Members are met when the group says so.
  }

  async stop(): Promise<void> {
    this.members = [];
  }

  messageFrom(sender: Member): Member | undefined {
    return this.members.find(({ key }) => key === sender.key);
  }

  heartbeat(): void {
    // Nothing is looked up.
  }

  meet(member: Member): void {
    if (this.messageFrom(member)) return;
    this.members = [...this.members, member];
    this.listener.memberAdded(member);
  }

  part(member: Member): void {
    if (!this.messageFrom(member)) return;
    this.members = this.members.filter(({ key }) => key !== member.key);
    this.listener.memberDisappeared(member);
  }
}

export interface MapNodeOptions extends Partial<ReplicatedMapOptions> {
  readonly kind?: "lazy" | "replicated";
  readonly chooseBackup?: NonNullable<LazyReplicatedMapDeps<Words>["chooseBackup"]>;
  readonly isOurs?: ReplicatedMapDeps<Words>["isOurs"];
  readonly values?: MapValues<Words>;
  readonly logger?: Logger;
}

/** Named by its last byte of 10.0.0.x: the absolute order is that of the names. */
export class MapNode {
  readonly name: string;
  readonly member: Member;
  readonly membership: MemoryMembership;
  readonly channel: GroupChannel;
  readonly map: AbstractReplicatedMap<Words>;
  /** Keys that came to this member from another. */
  readonly madePrimary: string[] = [];

  constructor(group: MapGroup, name: number, options: MapNodeOptions) {
    const { kind = "lazy", chooseBackup, isOurs = () => true, values = wordValues, logger = silentLogger, ...rest } = options;
    this.name = String(name);
    this.member = createMember({ address: `10.0.0.${name}`, port: 4000 });
    this.membership = new MemoryMembership(this.member);
    const { clock, network } = group;
    const { sender, receiver } = network.transport(this.member.address);
    const random = new SeededRandom(`${group.random.fraction()}`);
    const metrics = new ChannelMetrics(new Registry());
    const coordinator = new ChannelCoordinator({ sender, receiver, membership: this.membership });
    this.channel = new GroupChannel(
      { clock, logger, metrics, random, coordinator, interceptors: [], suids: new SuidTable() },
      { heartbeatSleepMs: 5000 },
    );
    const deps = {
      clock,
      logger,
      metrics,
      random,
      values,
      isOurs,
      channel: this.channel,
      onMadePrimary: (key: string) => void this.madePrimary.push(key),
      ...(chooseBackup === undefined ? {} : { chooseBackup }),
    };
    const mapOptions = { mapId: MAP_ID, ...rest };
    this.map = kind === "lazy" ? new LazyReplicatedMap(deps, mapOptions) : new ReplicatedMap(deps, mapOptions);
  }

  /** "Primary b@1 [2]: one two": kind, value, who serves it and who else has it. */
  entry(key: string): string | undefined {
    const entry = this.map.peek(key);
    if (entry === undefined) return undefined;
    const primary = entry.primary?.address.slice(7) ?? "nobody";
    const nodes = entry.nodes.map(({ address }) => address.slice(7)).join(",");
    return `${entry.kind} of ${primary} [${nodes}]${entry.value === undefined ? "" : `: ${entry.value.words.join(" ")}`}`;
  }
}

/** One message of the map as it left its sender: "1>2 Backup", "3>1,2 Start?" for a question, "2>3 Start!" for an answer. */
export class MapGroup {
  readonly clock = new ManualClock();
  readonly network: MemoryNetwork = new MemoryNetwork(this.clock, { delayMs: 1, timeoutMs: 1000 });
  readonly random = new SeededRandom("map group");
  readonly nodes: MapNode[] = [];
  sent: string[] = [];
  /** Whether the message of this kind from one node to another is lost. */
  lose: (what: string) => boolean = () => false;
  readonly #options: MapNodeOptions;

  constructor(options: MapNodeOptions = {}) {
    this.#options = options;
    this.network.drop = (message, from, to) => this.#note(message, from, to);
  }

  /** Members that have the map, started one after the other. */
  static async of(size: number, options: MapNodeOptions = {}): Promise<MapGroup> {
    const group = new MapGroup(options);
    for (let name = 1; name <= size; name++) await group.join(name);
    group.sent = [];
    return group;
  }

  /** A node whose channel runs and knows the others; its map is not started. */
  async add(name: number, options: MapNodeOptions = {}): Promise<MapNode> {
    const node = new MapNode(this, name, { ...this.#options, ...options });
    await node.channel.start();
    for (const other of this.nodes) {
      other.membership.meet(node.member);
      node.membership.meet(other.member);
    }
    this.nodes.push(node);
    await this.clock.advance(10);
    return node;
  }

  async join(name: number, options: MapNodeOptions = {}): Promise<MapNode> {
    const node = await this.add(name, options);
    await this.run(node.map.start());
    return node;
  }

  node(name: number): MapNode {
    return this.nodes.find((node) => node.name === String(name))!;
  }

  /** Three members, and "a" with the word "one" served by 1. */
  static async ofThree(options: MapNodeOptions = {}): Promise<MapGroup> {
    const group = await MapGroup.of(3, options);
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    group.sent = [];
    return group;
  }

  /** This member adds the word to its "a", and tells the others. */
  async change(name: number, word: string): Promise<void> {
    const { map } = this.node(name);
    const value = await this.run(map.get("a"));
    await this.run(map.replicate("a", value!.add(word)));
  }

  /** Moves time on until the work is done; at most a minute. */
  async run<T>(work: T | Promise<T>): Promise<T> {
    let done = false;
    const settled = Promise.resolve(work).finally(() => {
      done = true;
    });
    settled.catch(() => undefined);
    for (let passedMs = 0; !done && passedMs < 60_000; passedMs++) await this.clock.advance(1);
    if (!done) throw new Error("Not done within a minute");
    return settled;
  }

  /** Lets everything that is under way arrive. */
  settle(): Promise<void> {
    return this.clock.advance(50);
  }

  /** As when a process is killed: nothing is heard of it, and the others find out. */
  async kill(name: number): Promise<void> {
    const node = this.node(name);
    this.nodes.splice(this.nodes.indexOf(node), 1);
    this.network.detach(this.network.receiverAt(node.member.address, node.member.port)!);
    this.network.drop = (message, from, to) => from === node.member.address || this.#note(message, from, to);
    for (const other of this.nodes) other.membership.part(node.member);
    await this.settle();
  }

  /** A new process at the address of one that ended so quickly that nobody has noticed. */
  async restart(name: number): Promise<MapNode> {
    const old = this.node(name);
    this.nodes.splice(this.nodes.indexOf(old), 1);
    await this.run(old.channel.stop({ goodbye: false }));
    return this.join(name);
  }

  /** Cuts the network, and lets every member find out. */
  async partition(...sides: readonly (readonly number[])[]): Promise<void> {
    this.network.partition(...sides.map((side) => side.map((name) => this.node(name).member.address)));
    for (const one of this.nodes) {
      for (const other of this.nodes)
        if (!this.network.connected(one.member.address, other.member.address)) one.membership.part(other.member);
    }
    await this.settle();
  }

  /** Everybody meets again, and has had the time for two pings. */
  async heal(): Promise<void> {
    this.network.heal();
    for (const one of this.nodes) for (const other of this.nodes) if (one !== other) one.membership.meet(other.member);
    await this.clock.advance(12_000);
  }

  entries(key: string): (string | undefined)[] {
    return this.nodes.map((node) => node.entry(key));
  }

  #note(message: ChannelMessage, from: string, to: string): boolean {
    const what = describe(message);
    if (what === undefined) return false;
    const line = `${from.slice(7)}>${to.slice(7)} ${what}`;
    this.sent.push(line);
    return this.lose(line);
  }
}

function describe(message: ChannelMessage): string | undefined {
  if ((message.options & BYTE_MESSAGE) !== 0) return undefined;
  const className = peekClassName(message.body);
  if (className === MAP_MESSAGE_CLASS) return eventName(mapMessageFromJava(read(message.body)));
  if (!isRpcClass(className)) return undefined;
  const rpc = decodeRpcMessage(read(message.body));
  if (rpc.rpcId !== MAP_ID) return undefined;
  if (rpc.kind === "NoRpcChannel") return "no map!";
  if (rpc.message === null) return "nothing!";
  return `${eventName(mapMessageFromJava(rpc.message))}${rpc.kind === "Request" ? "?" : "!"}`;
}

function read(stream: Buffer): JavaValue {
  return new ObjectInputStream(stream).readObject();
}

function eventName(message: MapMessage): string {
  const name = Object.entries(MAP_EVENTS).find(([, event]) => event === message.event)![0];
  return message.diff === null ? name : `${name} diff`;
}
