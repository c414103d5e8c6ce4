// Messages that travel as datagrams (option 32): one each, in no order, sent once (tribes.md 4, 8).
import type { Clock, Timer } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import {
  AckTimeoutError,
  ConnectError,
  DatagramTooLargeError,
  MemberRemovedError,
  NoUdpPortError,
  QueueFullError,
  RemoteProcessError,
  SenderStoppedError,
} from "../errors.ts";
import type { MemberMetrics } from "../member-metrics.ts";
import { encodeChannelData } from "../wire/channel-data.ts";
import { acknowledgeOf } from "../wire/options.ts";
import { Delivery } from "./delivery.ts";
import { Fifo } from "./fifo.ts";
import type { SendFailure, TransportMetrics } from "./transport-metrics.ts";
import { UdpExchange, type UdpResult, type UdpSocketOptions } from "./udp-exchange.ts";

export interface UdpSenderDeps {
  readonly clock: Clock;
  readonly metrics: TransportMetrics;
  readonly members: MemberMetrics;
  readonly socketOptions: () => UdpSocketOptions;
}

export interface UdpSenderOptions {
  readonly timeoutMs: number;
  /** Datagrams to one member that are on their way at a time; others wait. */
  readonly poolSize: number;
  /** Bytes of frames that may wait for one member. */
  readonly maxQueueBytes: number;
  readonly throwOnFailedAck: boolean;
}

interface Datagram {
  readonly delivery: Delivery;
  readonly frame: Buffer;
  readonly acknowledged: boolean;
  readonly queuedAtMs: number;
  timer: Timer | undefined;
  exchange: UdpExchange | undefined;
  over: boolean;
}

interface Destination {
  readonly member: Member;
  readonly waiting: Fifo<Datagram>;
  readonly open: Set<Datagram>;
  queuedBytes: number;
}

/** What fits into one datagram behind the heads of IP and UDP. */
const MAX_FRAME_BYTES_IPV4 = 65_507;
const MAX_FRAME_BYTES_IPV6 = 65_527;

export class UdpSender {
  readonly #deps: UdpSenderDeps;
  readonly #options: UdpSenderOptions;
  readonly #destinations = new Map<string, Destination>();

  constructor(deps: UdpSenderDeps, options: UdpSenderOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Rejects with a ChannelError that lists the members that failed, each with its cause. */
  sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    const frame = encodeChannelData(message);
    const acknowledged = acknowledgeOf(message.options) !== "None";
    return new Promise((resolve, reject) => {
      const delivery = new Delivery(destinations.length, resolve, reject);
      for (const member of destinations) this.#send(member, delivery, frame, acknowledged);
    });
  }

  queuedBytes(member: Member): number {
    return this.#destinations.get(member.key)?.queuedBytes ?? 0;
  }

  remove(member: Member): void {
    const destination = this.#destinations.get(member.key);
    if (destination) this.#failAll(destination, new MemberRemovedError(member), "member_removed");
  }

  /** Fails what is on its way: the sender of connections waits at its stop, datagrams may be lost anyway. */
  stop(): void {
    for (const destination of this.#destinations.values()) this.#failAll(destination, new SenderStoppedError(), "stopped");
  }

  #send(member: Member, delivery: Delivery, frame: Buffer, acknowledged: boolean): void {
    const { clock, metrics } = this.#deps;
    const { maxQueueBytes, timeoutMs } = this.#options;
    const destination = this.#destination(member);
    const queuedBytes = destination.queuedBytes + frame.length;
    const refused = refusalOf(member, frame);
    if (refused || queuedBytes > maxQueueBytes) {
      metrics.sendFailures[refused ? "no_datagram" : "queue_full"].inc();
      this.#deps.members.of(member).failed();
      delivery.fail(member, refused ?? new QueueFullError(member.name, "maxQueueBytes", maxQueueBytes));
      this.#forgetIdle(destination);
      return;
    }
    destination.queuedBytes = queuedBytes;
    const queuedAtMs = clock.monotonic();
    const datagram: Datagram = { delivery, frame, acknowledged, queuedAtMs, timer: undefined, exchange: undefined, over: false };
    datagram.timer = clock.setTimeout(() => this.#timedOut(destination, datagram), timeoutMs);
    destination.waiting.push(datagram);
    this.#openMore(destination);
  }

  #openMore(destination: Destination): void {
    const { member, open, waiting } = destination;
    while (open.size < this.#options.poolSize) {
      const datagram = waiting.shift();
      if (!datagram) return;
      if (datagram.over) continue;
      open.add(datagram);
      const { frame, acknowledged } = datagram;
      this.#deps.metrics.sentMessages.inc();
      this.#deps.metrics.sentBytes.inc(frame.length);
      this.#deps.members.of(member).sent(1, frame.length);
      datagram.exchange = new UdpExchange(member, frame, acknowledged, this.#deps.socketOptions(), (result) =>
        this.#settle(destination, datagram, result),
      );
    }
  }

  #settle(destination: Destination, datagram: Datagram, result: UdpResult): void {
    const { metrics, clock } = this.#deps;
    const { member } = destination;
    if (result === "Acknowledged" || result === "Failed") {
      const seconds = (clock.monotonic() - datagram.queuedAtMs) / 1000;
      metrics.ackSeconds.observe(seconds);
      this.#deps.members.of(member).acknowledged(seconds);
      (result === "Failed" ? metrics.failedAcks : metrics.acknowledged).inc();
    }
    if (result instanceof Error) this.#fail(destination, datagram, new ConnectError(member, result), "connect");
    else if (result === "Failed" && this.#options.throwOnFailedAck) {
      this.#fail(destination, datagram, new RemoteProcessError(member), "remote_process");
    } else {
      datagram.delivery.succeed();
      this.#finish(destination, datagram);
    }
    this.#openMore(destination);
    this.#forgetIdle(destination);
  }

  /** When our own event loop was blocked, the answer may wait in the kernel: it is read before the time counts as over. */
  #timedOut(destination: Destination, datagram: Datagram): void {
    setImmediate(() => {
      if (datagram.over) return;
      this.#fail(destination, datagram, new AckTimeoutError(destination.member, this.#options.timeoutMs), "ack_timeout");
      this.#openMore(destination);
      this.#forgetIdle(destination);
    });
  }

  #failAll(destination: Destination, error: Error, reason: SendFailure): void {
    for (const datagram of [...destination.open, ...destination.waiting.takeAll()]) {
      if (!datagram.over) this.#fail(destination, datagram, error, reason);
    }
    this.#forgetIdle(destination);
  }

  #fail(destination: Destination, datagram: Datagram, error: Error, reason: SendFailure): void {
    this.#deps.metrics.sendFailures[reason].inc();
    this.#deps.members.of(destination.member).failed();
    datagram.delivery.fail(destination.member, error);
    this.#finish(destination, datagram);
  }

  #finish(destination: Destination, datagram: Datagram): void {
    datagram.over = true;
    datagram.timer?.cancel();
    datagram.exchange?.close();
    destination.open.delete(datagram);
    destination.queuedBytes -= datagram.frame.length;
  }

  #destination(member: Member): Destination {
    let destination = this.#destinations.get(member.key);
    if (!destination) {
      destination = { member, waiting: new Fifo(), open: new Set(), queuedBytes: 0 };
      this.#destinations.set(member.key, destination);
    }
    return destination;
  }

  #forgetIdle(destination: Destination): void {
    if (destination.queuedBytes === 0) this.#destinations.delete(destination.member.key);
  }
}

/** Why the message cannot go to the member in a datagram at all. */
function refusalOf(member: Member, frame: Buffer): Error | undefined {
  if (member.udpPort <= 0) return new NoUdpPortError(member);
  const maxBytes = member.host.length === 4 ? MAX_FRAME_BYTES_IPV4 : MAX_FRAME_BYTES_IPV6;
  return frame.length > maxBytes ? new DatagramTooLargeError(frame.length, maxBytes) : undefined;
}
