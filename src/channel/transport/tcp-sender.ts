// The sending side of the channel: connections, and datagrams for messages with option 32 (Tomcat: ReplicationTransmitter and PooledParallelSender; tribes.md 8).
import type { Clock, Logger, Registry, Timer } from "../../base/index.ts";
import type { ChannelMessage, ChannelSender, Member } from "../channel.ts";
import { ChannelError, MemberRemovedError, SenderStoppedError } from "../errors.ts";
import { MemberMetrics } from "../member-metrics.ts";
import { frameOf } from "../wire/channel-data.ts";
import { addressBytes } from "../wire/ip-address.ts";
import { acknowledgeOf, UDP } from "../wire/options.ts";
import { Delivery } from "./delivery.ts";
import { Destination, type DestinationDeps, type DestinationOptions } from "./destination.ts";
import type { Lane } from "./lane.ts";
import type { LaneConnectionOptions } from "./lane-connection.ts";
import { type Sockets, tcpSockets } from "./sockets.ts";
import { TransportMetrics } from "./transport-metrics.ts";
import { UdpSender } from "./udp-sender.ts";

export interface TcpSenderDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  /**
   * The receiver's address: connections leave from it, so that the peer finds them to come from the host that the member block names
   * (rule 20). Default: the system chooses.
   */
  readonly localAddress?: () => string;
  /** Default: those of node:net. */
  readonly sockets?: Sockets;
  /** Default: its own, in the registry. */
  readonly members?: MemberMetrics;
}

export interface TcpSenderOptions {
  /** For a message to be taken and, where asked, acknowledged; noticed at most 50 ms late. */
  readonly timeoutMs: number;
  /** How often a message is sent again after its connection was lost; never after a time-out or a FAIL_ACK. */
  readonly maxRetryAttempts: number;
  /** Lanes, each one connection, per member. */
  readonly poolSize: number;
  /** -1: never. */
  readonly keepAliveTimeMs: number;
  /** -1: never. */
  readonly keepAliveCount: number;
  readonly tcpNoDelay: boolean;
  readonly soKeepAlive: boolean;
  /** False: FAIL_ACK counts as success; default true. */
  readonly throwOnFailedAck?: boolean;
  /** SO_RCVBUF of UDP sockets, default 25188, and SO_SNDBUF, default 65536. */
  readonly udpRxBufSize?: number;
  readonly udpTxBufSize?: number;
  /** Default 1000. */
  readonly connectTimeoutMs?: number;
  /** Bytes of frames that may wait for one member, for its socket or its acknowledgement; default 64 MiB. */
  readonly maxQueueBytes?: number;
}

/** Frames in flight to a member of ours (rule 4 tells which those are): its receiver delivers and acknowledges in order. */
export const PIPELINE_WINDOW = 256;

const SWEEP_PERIOD_MS = 50;
/** Tomcat's. */
const UDP_RX_BYTES = 25_188;
const UDP_TX_BYTES = 65_536;
const DEFAULT_QUEUE_BYTES = 64 * 1024 * 1024;

/**
 * Messages of one order key, and those without one, reach a member in the order of `sendMessage`. All that one turn of the event
 * loop sends to a member leaves at its end, one write per lane.
 */
export class TcpSender implements ChannelSender {
  onSendFailed: (error: Error, message: ChannelMessage) => void = () => undefined;

  readonly #clock: Clock;
  readonly #metrics: TransportMetrics;
  readonly #members: MemberMetrics;
  readonly #localAddress: (() => string) | undefined;
  readonly #options: TcpSenderOptions;
  readonly #destinationDeps: DestinationDeps;
  readonly #destinationOptions: DestinationOptions;
  readonly #destinations = new Map<string, Destination>();
  readonly #datagrams: UdpSender;
  readonly #closing = new Set<Promise<void>>();
  #lanesToFlush: Lane[] = [];
  #running = false;
  #unfinished = 0;
  #unfinishedBytes = 0;
  #reportedBytes = 0;
  #sweep: Timer | undefined;
  #onIdle: (() => void) | undefined;

  constructor(deps: TcpSenderDeps, options: TcpSenderOptions) {
    this.#clock = deps.clock;
    this.#metrics = new TransportMetrics(deps.registry);
    this.#members = deps.members ?? new MemberMetrics(deps.registry);
    this.#localAddress = deps.localAddress;
    this.#options = options;
    this.#destinationDeps = {
      clock: deps.clock,
      logger: deps.logger,
      metrics: this.#metrics,
      members: this.#members,
      sockets: deps.sockets ?? tcpSockets,
      connectionOptions: () => this.#connectionOptions(),
      scheduleFlush: (lane) => this.#scheduleFlush(lane),
      onFinished: (frameBytes) => this.#finished(frameBytes),
    };
    const { maxQueueBytes = DEFAULT_QUEUE_BYTES, throwOnFailedAck = true, udpRxBufSize, udpTxBufSize } = options;
    this.#destinationOptions = { ...options, maxQueueBytes, throwOnFailedAck };
    const bufferSizes = { rxBufSize: udpRxBufSize ?? UDP_RX_BYTES, txBufSize: udpTxBufSize ?? UDP_TX_BYTES };
    this.#datagrams = new UdpSender(
      { clock: deps.clock, metrics: this.#metrics, members: this.#members, socketOptions: () => ({ ...this.#from(), ...bufferSizes }) },
      { ...options, maxQueueBytes, throwOnFailedAck },
    );
  }

  async start(): Promise<void> {
    this.#running = true;
  }

  /** Waits for what is on its way, at most `timeoutMs`; then fails the rest and closes every connection. */
  async stop(): Promise<void> {
    this.#running = false;
    if (this.#unfinished > 0) await this.#flushed();
    this.#datagrams.stop();
    for (const destination of this.#destinations.values()) destination.failAll(new SenderStoppedError(), "stopped");
    for (const destination of this.#destinations.values()) this.#close(destination);
    this.#destinations.clear();
    await Promise.all(this.#closing);
    this.#sweep?.cancel();
    this.#reportQueue();
  }

  sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    if (!this.#running) {
      const cause = new SenderStoppedError();
      return Promise.reject(new ChannelError(destinations.map((member) => ({ member, cause }))));
    }
    if (destinations.length === 0) return Promise.resolve();
    if ((message.options & UDP) !== 0) return this.#datagrams.sendMessage(destinations, message);
    const frame = frameOf(message);
    const acknowledged = acknowledgeOf(message.options) !== "None";
    const nowMs = this.#clock.monotonic();
    this.#unfinished += destinations.length;
    this.#unfinishedBytes += destinations.length * frame.length;
    this.#sweep ??= this.#clock.setInterval(() => this.#expire(), SWEEP_PERIOD_MS);
    return new Promise((resolve, reject) => {
      const delivery = new Delivery(destinations.length, resolve, reject, (error) => this.onSendFailed(error, message));
      for (const member of destinations) this.#destination(member).send(delivery, frame, acknowledged, message.orderKey, nowMs);
    });
  }

  /** How many frames may be unacknowledged on a lane to this member: 1 until told otherwise, as a Tomcat needs it. */
  setWindow(member: Member, frames: number): void {
    this.#destination(member).setWindow(frames);
  }

  queuedBytes(member: Member): number {
    return (this.#destinations.get(member.key)?.queuedBytes ?? 0) + this.#datagrams.queuedBytes(member);
  }

  remove(member: Member): void {
    this.#datagrams.remove(member);
    const destination = this.#destinations.get(member.key);
    if (destination) {
      this.#destinations.delete(member.key);
      destination.failAll(new MemberRemovedError(member), "member_removed");
      this.#close(destination);
    }
    this.#members.forget(member);
  }

  heartbeat(): void {
    const nowMs = this.#clock.monotonic();
    for (const [key, destination] of this.#destinations) {
      destination.closeWorn(nowMs);
      if (destination.forgettable) this.#destinations.delete(key);
    }
  }

  #destination(member: Member): Destination {
    let destination = this.#destinations.get(member.key);
    if (!destination) {
      destination = new Destination(member, this.#destinationDeps, this.#destinationOptions);
      this.#destinations.set(member.key, destination);
    }
    return destination;
  }

  #connectionOptions(): LaneConnectionOptions {
    const { tcpNoDelay, soKeepAlive, connectTimeoutMs = 1000 } = this.#options;
    return { tcpNoDelay, soKeepAlive, connectTimeoutMs, ...this.#from() };
  }

  #from(): { readonly localAddress?: string } {
    const localAddress = this.#localAddress?.();
    return localAddress === undefined || isUnspecified(localAddress) ? {} : { localAddress };
  }

  #scheduleFlush(lane: Lane): void {
    if (this.#lanesToFlush.length === 0) setImmediate(() => this.#flush());
    this.#lanesToFlush.push(lane);
  }

  #flush(): void {
    const lanes = this.#lanesToFlush;
    this.#lanesToFlush = [];
    for (const lane of lanes) lane.flush();
  }

  #expire(): void {
    this.#reportQueue();
    if (this.#unfinished === 0) {
      this.#sweep?.cancel();
      this.#sweep = undefined;
      return;
    }
    const nowMs = this.#clock.monotonic();
    // When our own event loop was blocked, acknowledgements may wait in the kernel: they are read before their time counts as over.
    setImmediate(() => {
      for (const destination of this.#destinations.values()) destination.expire(nowMs);
    });
  }

  #finished(frameBytes: number): void {
    this.#unfinished--;
    this.#unfinishedBytes -= frameBytes;
    if (this.#unfinished === 0) this.#onIdle?.();
  }

  #flushed(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(resolve, this.#options.timeoutMs);
      this.#onIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #close(destination: Destination): void {
    const closed = destination.close().then(() => {
      this.#closing.delete(closed);
    });
    this.#closing.add(closed);
  }

  #reportQueue(): void {
    this.#metrics.queueBytes.inc(this.#unfinishedBytes - this.#reportedBytes);
    this.#reportedBytes = this.#unfinishedBytes;
  }
}

function isUnspecified(address: string): boolean {
  return addressBytes(address)?.every((byte) => byte === 0) ?? true;
}
