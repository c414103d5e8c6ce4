// A network in memory: the ports of the TCP transport without sockets, with delays, losses and partitions, driven by a clock.
import { asError, type Clock } from "../../src/base/index.ts";
import type { ChannelMessage, ChannelReceiver, ChannelSender, Member } from "../../src/channel/channel.ts";
import {
  AckTimeoutError,
  ChannelError,
  ConnectError,
  MemberRemovedError,
  RemoteProcessError,
  SenderStoppedError,
} from "../../src/channel/errors.ts";
import { Delivery } from "../../src/channel/transport/delivery.ts";
import { ChannelDataDecoder, encodeChannelData } from "../../src/channel/wire/channel-data.ts";
import { FrameDecoder } from "../../src/channel/wire/frame.ts";
import { acknowledgeOf } from "../../src/channel/wire/options.ts";

const MAX_FRAME_BYTES = 64 * 1024 * 1024;

export interface MemoryNetworkOptions {
  /** Of a message, and again of its acknowledgement; default 1. */
  readonly delayMs?: number;
  /** As the TCP sender's; default 3000. */
  readonly timeoutMs?: number;
}

/** What one node has of the network. */
export interface MemoryTransport {
  readonly sender: ChannelSender;
  readonly receiver: ChannelReceiver;
}

/**
 * Everything from one address to another arrives in order, each message after the one before has been settled. What a partition or
 * `drop` takes is lost without a trace: the sender of a message that asks for an acknowledgement gets an AckTimeoutError.
 */
export class MemoryNetwork {
  /** Decides for each message on its way; true: lost. */
  drop: (message: ChannelMessage, from: string, to: string) => boolean = () => false;
  /** Milliseconds from one address to another. */
  delay: (from: string, to: string) => number;

  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly #receivers = new Map<string, MemoryReceiver>();
  #sides: readonly ReadonlySet<string>[] = [];

  constructor(clock: Clock, options: MemoryNetworkOptions = {}) {
    this.clock = clock;
    this.timeoutMs = options.timeoutMs ?? 3000;
    this.delay = () => options.delayMs ?? 1;
  }

  /** The two ports of the node at this address; it is there once its receiver is started. */
  transport(address: string, port = 4000): MemoryTransport {
    return { sender: new MemorySender(this, address), receiver: new MemoryReceiver(this, address, port) };
  }

  /** Cuts the network: addresses reach each other only within a side; one that stands in none reaches nobody. */
  partition(...sides: readonly (readonly string[])[]): void {
    this.#sides = sides.map((side) => new Set(side));
  }

  heal(): void {
    this.#sides = [];
  }

  connected(from: string, to: string): boolean {
    return this.#sides.length === 0 || this.#sides.some((side) => side.has(from) && side.has(to));
  }

  receiverAt(address: string, port: number): MemoryReceiver | undefined {
    return this.#receivers.get(`${address}/${port}`);
  }

  attach(receiver: MemoryReceiver): void {
    this.#receivers.set(`${receiver.address}/${receiver.port}`, receiver);
  }

  detach(receiver: MemoryReceiver): void {
    this.#receivers.delete(`${receiver.address}/${receiver.port}`);
  }
}

class MemoryReceiver implements ChannelReceiver {
  readonly address: string;
  readonly port: number;
  onMessage: (message: ChannelMessage) => void | Promise<void> = () => undefined;
  readonly #network: MemoryNetwork;

  constructor(network: MemoryNetwork, address: string, port: number) {
    this.#network = network;
    this.address = address;
    this.port = port;
  }

  async start(): Promise<void> {
    this.#network.attach(this);
  }

  async stop(): Promise<void> {
    this.#network.detach(this);
  }
}

/** One direction between two nodes. */
interface Link {
  lastArrivalMs: number;
  /** Settles when everything that has arrived is processed; never rejects. */
  processed: Promise<void>;
}

interface Pending {
  readonly member: Member;
  readonly fail: (error: Error) => void;
}

class MemorySender implements ChannelSender {
  readonly #network: MemoryNetwork;
  readonly #address: string;
  readonly #links = new Map<string, Link>();
  readonly #pending = new Set<Pending>();
  #running = false;

  constructor(network: MemoryNetwork, address: string) {
    this.#network = network;
    this.#address = address;
  }

  async start(): Promise<void> {
    this.#running = true;
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const pending of this.#pending) pending.fail(new SenderStoppedError());
  }

  sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    if (!this.#running) {
      const cause = new SenderStoppedError();
      return Promise.reject(new ChannelError(destinations.map((member) => ({ member, cause }))));
    }
    if (destinations.length === 0) return Promise.resolve();
    const frame = encodeChannelData(message);
    return new Promise((resolve, reject) => {
      const delivery = new Delivery(destinations.length, resolve, reject);
      for (const member of destinations) this.#send(member, message, frame, delivery);
    });
  }

  remove(member: Member): void {
    for (const pending of this.#pending) if (pending.member.key === member.key) pending.fail(new MemberRemovedError(member));
    this.#links.delete(member.key);
  }

  heartbeat(): void {
    // There are no connections that wear out.
  }

  #send(member: Member, message: ChannelMessage, frame: Buffer, delivery: Delivery): void {
    const { clock } = this.#network;
    const connected = this.#network.connected(this.#address, member.address);
    if (connected && !this.#network.receiverAt(member.address, member.port)) {
      delivery.fail(member, new ConnectError(member, new Error("connection refused")));
      return;
    }
    const lost = !connected || this.#network.drop(message, this.#address, member.address);
    const answer = this.#expectAnswer(member, message, delivery);
    if (lost) return;
    const link = this.#link(member);
    link.lastArrivalMs = Math.max(link.lastArrivalMs, clock.monotonic() + this.#network.delay(this.#address, member.address));
    clock.setTimeout(() => {
      link.processed = link.processed.then(() => this.#deliver(member, frame, answer));
    }, link.lastArrivalMs - clock.monotonic());
  }

  /** What to call with the receiver's answer. A message that asks for none succeeds at once. */
  #expectAnswer(member: Member, message: ChannelMessage, delivery: Delivery): (error?: Error) => void {
    if (acknowledgeOf(message.options) === "None") {
      delivery.succeed();
      return () => undefined;
    }
    const settle = (error?: Error) => {
      if (!this.#pending.delete(pending)) return;
      timer.cancel();
      if (error) delivery.fail(member, error);
      else delivery.succeed();
    };
    const pending: Pending = { member, fail: settle };
    this.#pending.add(pending);
    const timer = this.#network.clock.setTimeout(
      () => settle(new AckTimeoutError(member, this.#network.timeoutMs)),
      this.#network.timeoutMs,
    );
    return settle;
  }

  async #deliver(member: Member, frame: Buffer, answer: (error?: Error) => void): Promise<void> {
    const receiver = this.#network.receiverAt(member.address, member.port);
    if (!receiver || !this.#network.connected(this.#address, member.address)) return;
    const message = decode(frame);
    const acknowledge = acknowledgeOf(message.options);
    if (acknowledge === "Received") this.#answerLater(member, () => answer());
    let refusal: Error | undefined;
    try {
      await receiver.onMessage(message);
    } catch (error) {
      refusal = asError(error);
    }
    if (acknowledge === "Processed") this.#answerLater(member, () => answer(refusal ? new RemoteProcessError(member) : undefined));
  }

  #answerLater(member: Member, answer: () => void): void {
    this.#network.clock.setTimeout(
      () => {
        if (this.#network.connected(member.address, this.#address)) answer();
      },
      this.#network.delay(member.address, this.#address),
    );
  }

  #link(member: Member): Link {
    let link = this.#links.get(member.key);
    if (!link) {
      link = { lastArrivalMs: 0, processed: Promise.resolve() };
      this.#links.set(member.key, link);
    }
    return link;
  }
}

/** Through the bytes, so that nothing is shared between two nodes that would not be shared between two machines. */
function decode(frame: Buffer): ChannelMessage {
  const frames = new FrameDecoder(MAX_FRAME_BYTES);
  frames.push(Buffer.from(frame));
  return new ChannelDataDecoder().decode(frames.next()!);
}
