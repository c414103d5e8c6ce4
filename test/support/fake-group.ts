// A group in memory for tests of replication: channels that hand each other messages in order, and fail as they are told to.
import { asError, type Clock } from "../../src/base/index.ts";
import {
  type Acknowledge,
  AckTimeoutError,
  ChannelError,
  type ChannelListener,
  ConnectionLostError,
  createMember,
  type FaultyMember,
  type Member,
  type MemberKind,
  type MembershipListener,
  type OutgoingMessage,
  type ReceivedMessage,
  RemoteProcessError,
  type SendOptions,
} from "../../src/channel/index.ts";
import type { ClusterChannel } from "../../src/replication/cluster.ts";
import { decodeSessionMessage, SESSION_MESSAGE_CLASS, type SessionMessage } from "../../src/replication/messages.ts";
import { type JavaValue, ObjectInputStream, peekClassName, SuidTable } from "../../src/serialization/index.ts";

/** One message as it left its sender. */
export interface Sent {
  readonly from: string;
  readonly to: readonly string[];
  readonly acknowledge: Acknowledge;
  readonly asynchronous: boolean;
  readonly orderKey: string | undefined;
  readonly message: SessionMessage;
}

/** How messages from one channel to another fare: `Lost` without acknowledgement succeeds for its sender, as into a socket. */
export type Fate = "Delivered" | "Lost" | "Refused" | "Held";

export class FakeGroup {
  readonly clock: Clock;
  /** Every message, in the order of sending. */
  readonly sent: Sent[] = [];
  readonly channels: FakeChannel[] = [];
  /** Told for each message and destination. */
  fate: (from: string, to: string, message: SessionMessage) => Fate = () => "Delivered";
  /** Names of two channels that do not meet when one of them starts. */
  apart: (one: string, other: string) => boolean = () => false;
  #held: (() => void)[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Members of a group are named 1, 2, 3 … and have the address 10.0.0.<name>: the absolute order is that of the names. */
  channel(name: number, kind: MemberKind = "ours"): FakeChannel {
    const channel = new FakeChannel(this, String(name), createMember({ address: `10.0.0.${name}`, port: 4000 }), kind);
    this.channels.push(channel);
    return channel;
  }

  /** Lets go of what was held, in order; of the first messages only, when told how many. */
  release(count: number = this.#held.length): void {
    for (const deliver of this.#held.splice(0, count)) deliver();
  }

  hold(deliver: () => void): void {
    this.#held.push(deliver);
  }

  /** Session messages of one type, as "from>to,to". */
  routes(event: number): string[] {
    return this.sent.filter(({ message }) => message.event === event).map(({ from, to }) => `${from}>${to.join(",")}`);
  }

  /** Lets everything that is under way arrive. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

export class FakeChannel implements ClusterChannel {
  readonly name: string;
  readonly localMember: Member;
  readonly kind: MemberKind;
  suspects: readonly Member[] = [];
  listsLocalMember: boolean | undefined = true;
  readonly hello: ClusterChannel["hello"];
  readonly suids: SuidTable = new SuidTable();
  readonly #group: FakeGroup;
  readonly #lanes = new Map<string, Promise<void>>();
  #listeners: ChannelListener[] = [];
  #membershipListeners: MembershipListener[] = [];
  #members: readonly Member[] = [];
  #open = false;

  constructor(group: FakeGroup, name: string, localMember: Member, kind: MemberKind) {
    this.#group = group;
    this.name = name;
    this.localMember = localMember;
    this.kind = kind;
    this.hello = {
      kindOf: (member) => group.channels.find((channel) => channel.localMember.key === member.key)?.kind,
      everyMemberAnswered: async () => undefined,
      knownToAll: () => undefined,
    };
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  addRpcEndpoint(): never {
    throw new Error("Nobody calls anybody in this group");
  }

  removeRpcEndpoint(): void {
    // There is none.
  }

  /** Joins: it and everybody who is there, and not apart from it, become members of each other. */
  async start(): Promise<void> {
    this.#open = true;
    for (const other of this.#group.channels) {
      if (other === this || !other.#open || this.#group.apart(this.name, other.name)) continue;
      this.meet(other);
      other.meet(this);
    }
  }

  /** Leaves: the others see it disappear. */
  async stop(): Promise<void> {
    this.#open = false;
    for (const other of this.#group.channels) {
      this.part(other);
      other.part(this);
    }
  }

  meet(other: FakeChannel): void {
    if (this.#members.some((member) => member.key === other.localMember.key)) return;
    this.#members = [...this.#members, other.localMember];
    for (const listener of this.#membershipListeners) listener.memberAdded(other.localMember);
  }

  part(other: FakeChannel): void {
    if (!this.#members.some((member) => member.key === other.localMember.key)) return;
    this.#members = this.#members.filter((member) => member.key !== other.localMember.key);
    for (const listener of this.#membershipListeners) listener.memberDisappeared(other.localMember);
  }

  async send(destinations: readonly Member[], message: OutgoingMessage, options: SendOptions): Promise<Buffer> {
    const decoded = decodeSessionMessage(Buffer.from(message.body));
    const targets = destinations.map((member) => this.#group.channels.find((channel) => channel.localMember.key === member.key)!);
    const to = targets.map((target) => target.name);
    this.#group.sent.push({ ...options, from: this.name, to, orderKey: options.orderKey, message: decoded });
    const faulty: FaultyMember[] = [];
    const outcomes = targets.map((target) =>
      this.#sendTo(target, decoded, message, options).catch((error) => {
        faulty.push({ member: target.localMember, cause: asError(error) });
      }),
    );
    await Promise.all(outcomes);
    if (faulty.length > 0) throw new ChannelError(faulty);
    return Buffer.alloc(16);
  }

  addChannelListener(listener: ChannelListener): void {
    this.#listeners.push(listener);
  }

  removeChannelListener(listener: ChannelListener): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  addMembershipListener(listener: MembershipListener): void {
    this.#membershipListeners.push(listener);
  }

  removeMembershipListener(listener: MembershipListener): void {
    this.#membershipListeners = this.#membershipListeners.filter((other) => other !== listener);
  }

  /** A message as if it had come from `sender`, for members that a test plays itself. */
  async receive(body: Buffer, sender: Member): Promise<void> {
    const received = new FakeReceivedMessage(body, sender);
    for (const listener of this.#listeners) if (listener.accept(received)) await listener.messageReceived(received);
  }

  async #sendTo(target: FakeChannel, decoded: SessionMessage, message: OutgoingMessage, options: SendOptions): Promise<void> {
    if (!target.#open) throw new ConnectionLostError(target.localMember);
    const fate = this.#group.fate(this.name, target.name, decoded);
    if (fate === "Lost") {
      if (options.acknowledge !== "None") throw new AckTimeoutError(target.localMember, 1000);
      return;
    }
    if (fate === "Refused") throw new RemoteProcessError(target.localMember);
    const lane = `${target.name}/${options.orderKey ?? ""}`;
    const arrived = (this.#lanes.get(lane) ?? Promise.resolve()).then(async () => {
      if (fate === "Held") await new Promise<void>((resolve) => this.#group.hold(resolve));
      // Through a copy that is overwritten afterwards, as a socket's buffer is.
      const body = Buffer.from(message.body);
      try {
        await target.receive(body, this.localMember);
      } finally {
        body.fill(0);
      }
    });
    this.#lanes.set(
      lane,
      arrived.catch(() => undefined),
    );
    if (options.acknowledge !== "Processed") return;
    await arrived.catch(() => {
      throw new RemoteProcessError(target.localMember);
    });
  }
}

class FakeReceivedMessage implements ReceivedMessage {
  readonly kind = "Object";
  readonly body: Buffer;
  readonly sender: Member;
  readonly timestamp = 0;
  readonly uniqueId: Buffer = Buffer.alloc(16);

  constructor(body: Buffer, sender: Member) {
    this.body = body;
    this.sender = sender;
  }

  get className(): string | undefined {
    return peekClassName(this.body) === SESSION_MESSAGE_CLASS ? SESSION_MESSAGE_CLASS : undefined;
  }

  object(): JavaValue {
    return new ObjectInputStream(this.body).readObject();
  }
}
