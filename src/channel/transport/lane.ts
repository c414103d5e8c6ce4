// A lane: one connection to one member, first in, first out for everything that goes through it (rule 10).
import { asError, type Clock, type Logger } from "../../base/index.ts";
import type { Member } from "../channel.ts";
import { AckTimeoutError, ConnectError, ConnectionLostError, RemoteProcessError } from "../errors.ts";
import type { MemberCounters } from "../member-metrics.ts";
import type { OutgoingFrame } from "../wire/channel-data.ts";
import type { Delivery } from "./delivery.ts";
import { Fifo } from "./fifo.ts";
import { LaneConnection, type LaneConnectionOptions } from "./lane-connection.ts";
import type { Sockets } from "./sockets.ts";
import type { SendFailure, TransportMetrics } from "./transport-metrics.ts";

/** A message in a lane. Made by `Destination`, changed only by its lane. */
export interface Outgoing {
  readonly delivery: Delivery;
  /** Empty once the message is over: a queue may still hold it. */
  frame: OutgoingFrame;
  /** The member answers it: it is over when the answer is here. Without, it is over when the system has its bytes. */
  readonly acknowledged: boolean;
  readonly queuedAtMs: number;
  readonly deadlineMs: number;
  /** Order of writing. */
  sequence: number;
  repeats: number;
  /** Its delivery has been told. */
  settled: boolean;
  /** The lane has nothing to do with it any more. */
  finished: boolean;
}

export interface LaneDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: TransportMetrics;
  /** Of the member. */
  readonly counters: MemberCounters;
  readonly sockets: Sockets;
  readonly member: Member;
  /** Told once for each message that is over, whatever became of it. */
  readonly onFinished: (message: Outgoing) => void;
  /** Asked for each connection. */
  readonly connectionOptions: () => LaneConnectionOptions;
}

export interface LaneOptions {
  readonly timeoutMs: number;
  readonly maxRetryAttempts: number;
  readonly keepAliveTimeMs: number;
  readonly keepAliveCount: number;
  /** False: FAIL_ACK counts as success. */
  readonly throwOnFailedAck: boolean;
}

const NOTHING: OutgoingFrame = { length: 0, parts: [] };

export class Lane {
  /** Messages that may be unacknowledged at a time. 1: stop and wait, nothing at all is written behind an unacknowledged one. */
  window = 1;
  /** Set while the lane waits for the flush of this turn. */
  flushScheduled = false;

  readonly #deps: LaneDeps;
  readonly #options: LaneOptions;
  readonly #queue = new Fifo<Outgoing>();
  readonly #awaitingAck = new Fifo<Outgoing>();
  /** Written and not to be acknowledged, but still in this process. */
  readonly #unflushed = new Fifo<Outgoing>();
  /** The first of them when it was last looked at, and since when it has been the first. */
  #stuck: Outgoing | undefined;
  #stuckSinceMs = 0;
  #sequence = 0;
  #connection: LaneConnection | undefined;
  #connectedAtMs = 0;
  #sentOnConnection = 0;
  /** Sequence of the first message on the connection. */
  #firstOnConnection = 0;
  /** The last one on it that is not to be acknowledged. */
  #unproven: Outgoing | undefined;

  constructor(deps: LaneDeps, options: LaneOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Nothing waits and nothing is on its way. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.#awaitingAck.length === 0 && this.#unflushed.length === 0;
  }

  get open(): boolean {
    return this.#connection !== undefined;
  }

  /** Takes its place in the queue; `flush` writes. */
  add(message: Outgoing): void {
    this.#queue.push(message);
  }

  /**
   * Writes what may be written, in one batch; connects first where there is no connection. What the system does not take yet stays in
   * the socket's memory, under the bound of `Destination`; a message without acknowledgement counts as sent there (rule 9).
   */
  flush(): void {
    this.flushScheduled = false;
    if (this.#queue.length === 0) return;
    if (!this.#connection) this.#connect();
    else if (this.#connection.connected) this.#write(this.#connection);
  }

  /** Fails what is due. An acknowledgement that did not come closes the connection: later ones could not be matched. */
  expire(nowMs: number): void {
    const first = this.#awaitingAck.peek();
    if (this.#notTaken(nowMs)) {
      this.#timeOut("Member does not read what it is sent: closing the connection", this.#takeUnfinished());
    } else if (first && first.deadlineMs <= nowMs) {
      this.#timeOut("Member did not acknowledge in time: closing the connection", this.#awaitingAck.takeAll());
    }
    let error: Error | undefined;
    for (const message of this.#queue) {
      if (message.deadlineMs > nowMs) break;
      if (message.settled || message.finished) continue;
      error ??= new AckTimeoutError(this.#deps.member, this.#options.timeoutMs);
      this.#fail(message, error, "ack_timeout");
    }
    while (this.#queue.peek()?.finished) this.#queue.shift();
  }

  /** Closes a connection that is older than keepAliveTime, or has carried more than keepAliveCount messages, when it rests. */
  closeIfWorn(nowMs: number): void {
    if (!this.#connection?.connected || !this.idle) return;
    const { keepAliveTimeMs, keepAliveCount } = this.#options;
    const old = keepAliveTimeMs >= 0 && nowMs - this.#connectedAtMs > keepAliveTimeMs;
    if (old || (keepAliveCount >= 0 && this.#sentOnConnection > keepAliveCount)) void this.close();
  }

  /** Fails everything in the lane. */
  failAll(error: Error, reason: SendFailure): void {
    for (const message of this.#takeUnfinished()) this.#fail(message, error, reason);
    for (const message of this.#queue.takeAll()) this.#fail(message, error, reason);
  }

  /** Resolves when the connection is closed; one that still has something to write is cut. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close(this.idle);
  }

  #connect(): void {
    const { member, clock, connectionOptions } = this.#deps;
    let connected = false;
    const connection: LaneConnection = new LaneConnection(this.#deps, member, connectionOptions(), {
      connected: () => {
        connected = true;
        this.#connectedAtMs = clock.monotonic();
        this.#sentOnConnection = 0;
        this.#firstOnConnection = this.#sequence;
        this.#unproven = undefined;
        this.#write(connection);
      },
      written: (frames) => this.#written(frames),
      acknowledged: (results) => this.#acknowledged(connection, results),
      lost: (error) => {
        this.#connection = undefined;
        if (connected) this.#lost(error);
        else this.failAll(new ConnectError(member, error), "connect");
      },
    });
    this.#connection = connection;
  }

  #write(connection: LaneConnection): void {
    let messages = 0;
    let bytes = 0;
    for (let message = this.#queue.peek(); message; message = this.#queue.peek()) {
      if (!message.finished) {
        const windowFull = this.#awaitingAck.length >= this.window;
        if (windowFull && (message.acknowledged || this.window === 1)) break;
        messages++;
        bytes += message.frame.length;
        this.#writeOne(connection, message);
      }
      this.#queue.shift();
    }
    if (messages > 0) {
      connection.send();
      this.#sentOnConnection += messages;
      this.#deps.metrics.sentMessages.inc(messages);
      this.#deps.metrics.sentBytes.inc(bytes);
      this.#deps.metrics.writes.inc();
      this.#deps.counters.sent(messages, bytes);
    }
  }

  #writeOne(connection: LaneConnection, message: Outgoing): void {
    message.sequence = this.#sequence++;
    connection.add(message.frame);
    if (message.acknowledged) {
      this.#awaitingAck.push(message);
    } else {
      this.#unflushed.push(message);
      this.#unproven = message;
      this.#succeed(message);
    }
  }

  #written(frames: number): void {
    const end = this.#firstOnConnection + frames;
    for (let message = this.#unflushed.peek(); message && message.sequence < end; message = this.#unflushed.peek()) {
      this.#unflushed.shift();
      this.#finish(message);
    }
  }

  #acknowledged(connection: LaneConnection, results: readonly boolean[]): void {
    const nowMs = this.#deps.clock.monotonic();
    const { metrics, member, logger, counters } = this.#deps;
    let failed = 0;
    for (const processed of results) {
      const message = this.#awaitingAck.shift();
      if (!message) {
        logger.warn({ member: member.name }, "Member acknowledged more than it was sent: closing the connection");
        void this.close();
        this.#repeat(new Error("unexpected acknowledgement"));
        return;
      }
      const seconds = (nowMs - message.queuedAtMs) / 1000;
      metrics.ackSeconds.observe(seconds);
      counters.acknowledged(seconds);
      if (!processed) failed++;
      if (processed || !this.#options.throwOnFailedAck) {
        this.#succeed(message);
        this.#finish(message);
      } else {
        this.#fail(message, new RemoteProcessError(member), "remote_process");
      }
    }
    metrics.acknowledged.inc(results.length - failed);
    if (failed > 0) metrics.failedAcks.inc(failed);
    if (this.#queue.length > 0) this.#write(connection);
  }

  /**
   * Whether nothing has left the socket for the whole time-out: the kernel of a process that is stopped takes so much and no more,
   * and messages without acknowledgement have no other sign of it (rule 3).
   */
  #notTaken(nowMs: number): boolean {
    const first = this.#unflushed.peek();
    if (first !== this.#stuck) {
      this.#stuck = first;
      this.#stuckSinceMs = nowMs;
    }
    return first !== undefined && nowMs - this.#stuckSinceMs >= this.#options.timeoutMs;
  }

  #timeOut(sentence: string, failed: readonly Outgoing[]): void {
    const { member, logger } = this.#deps;
    const error = new AckTimeoutError(member, this.#options.timeoutMs);
    logger.warn({ member: member.name, messages: failed.length }, sentence);
    for (const message of failed) this.#fail(message, error, "ack_timeout");
    void this.#connection?.close(false);
    this.#connection = undefined;
    this.#repeat(error);
  }

  /** By the member, or by what lies between: nobody knows how much of what it does not acknowledge has arrived (rules 9 and 11). */
  #lost(cause: Error): void {
    const unproven = this.#unproven;
    this.#unproven = undefined;
    this.#repeat(cause);
    if (unproven === undefined) return;
    this.#deps.metrics.sendFailures.connection_lost.inc();
    this.#deps.counters.failed();
    unproven.delivery.failLate(this.#deps.member, new ConnectionLostError(this.#deps.member, cause));
  }

  /** The connection is gone: what was on its way goes again, before everything else and in its old order. */
  #repeat(cause: Error): void {
    const error = new ConnectionLostError(this.#deps.member, asError(cause));
    const repeated: Outgoing[] = [];
    for (const message of this.#takeUnfinished()) {
      if (message.repeats >= this.#options.maxRetryAttempts) this.#fail(message, error, "connection_lost");
      else {
        message.repeats++;
        repeated.push(message);
      }
    }
    if (repeated.length > 0) this.#deps.metrics.resentMessages.inc(repeated.length);
    this.#queue.unshiftAll(repeated);
    this.flush();
  }

  /** What was written and is not over, in the order of writing. */
  #takeUnfinished(): Outgoing[] {
    return [...this.#awaitingAck.takeAll(), ...this.#unflushed.takeAll()].sort((left, right) => left.sequence - right.sequence);
  }

  #succeed(message: Outgoing): void {
    if (message.settled) return;
    message.settled = true;
    message.delivery.succeed();
  }

  #fail(message: Outgoing, error: Error, reason: SendFailure): void {
    if (message.finished) return;
    this.#deps.metrics.sendFailures[reason].inc();
    this.#deps.counters.failed();
    if (message.settled) {
      message.delivery.failLate(this.#deps.member, error);
    } else {
      message.settled = true;
      message.delivery.fail(this.#deps.member, error);
    }
    this.#finish(message);
  }

  #finish(message: Outgoing): void {
    message.finished = true;
    this.#deps.onFinished(message);
    message.frame = NOTHING;
  }
}
