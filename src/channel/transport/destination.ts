// Everything that is on its way to one member: its lanes, its window, its bound.
import type { Clock, Logger } from "../../base/index.ts";
import type { Member } from "../channel.ts";
import { QueueFullError } from "../errors.ts";
import type { MemberMetrics } from "../member-metrics.ts";
import type { OutgoingFrame } from "../wire/channel-data.ts";
import type { Delivery } from "./delivery.ts";
import { Lane, type LaneOptions, type Outgoing } from "./lane.ts";
import type { LaneConnectionOptions } from "./lane-connection.ts";
import type { Sockets } from "./sockets.ts";
import type { SendFailure, TransportMetrics } from "./transport-metrics.ts";

export interface DestinationDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: TransportMetrics;
  readonly members: MemberMetrics;
  readonly sockets: Sockets;
  readonly connectionOptions: () => LaneConnectionOptions;
  /** A lane has something to write at the end of this turn. */
  readonly scheduleFlush: (lane: Lane) => void;
  readonly onFinished: (frameBytes: number) => void;
}

export interface DestinationOptions extends LaneOptions {
  readonly poolSize: number;
  readonly maxQueueBytes: number;
}

/**
 * Lane 0 carries what has no order key. Keys are spread over the other lanes; a member that takes many frames at a time gets one
 * lane for all keys, since one connection then carries everything that a turn of the event loop sends in one write (rule 9).
 */
export class Destination {
  readonly member: Member;
  readonly #deps: DestinationDeps;
  readonly #options: DestinationOptions;
  readonly #lanes: (Lane | undefined)[] = [];
  #window = 1;
  /** Over how many lanes keys are spread. Follows the window only while nothing is on its way: a key must not overtake itself. */
  #keyedLanes: number;
  #queuedBytes = 0;

  constructor(member: Member, deps: DestinationDeps, options: DestinationOptions) {
    this.member = member;
    this.#deps = deps;
    this.#options = options;
    this.#keyedLanes = this.#keyedLanesFor(1);
  }

  /** No connection, nothing on its way, and nothing known about the member. */
  get forgettable(): boolean {
    return this.#window === 1 && this.#queuedBytes === 0 && this.#lanes.every((lane) => !lane?.open);
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  setWindow(frames: number): void {
    this.#window = frames;
    for (const lane of this.#lanes) if (lane) lane.window = frames;
  }

  send(delivery: Delivery, frame: OutgoingFrame, acknowledged: boolean, orderKey: string | undefined, nowMs: number): void {
    const { maxQueueBytes, timeoutMs } = this.#options;
    if (this.#queuedBytes > 0 && this.#queuedBytes + frame.length > maxQueueBytes) {
      this.#deps.metrics.sendFailures.queue_full.inc();
      this.#deps.members.of(this.member).failed();
      this.#deps.onFinished(frame.length);
      delivery.fail(this.member, new QueueFullError(this.member.name, "maxQueueBytes", maxQueueBytes));
      return;
    }
    this.#queuedBytes += frame.length;
    const lane = this.#laneFor(orderKey);
    lane.add({
      delivery,
      frame,
      acknowledged,
      queuedAtMs: nowMs,
      deadlineMs: nowMs + timeoutMs,
      sequence: 0,
      repeats: 0,
      settled: false,
      finished: false,
    });
    if (lane.flushScheduled) return;
    lane.flushScheduled = true;
    this.#deps.scheduleFlush(lane);
  }

  expire(nowMs: number): void {
    for (const lane of this.#lanes) lane?.expire(nowMs);
  }

  closeWorn(nowMs: number): void {
    for (const lane of this.#lanes) lane?.closeIfWorn(nowMs);
  }

  /** Fails what is on its way. */
  failAll(error: Error, reason: SendFailure): void {
    for (const lane of this.#lanes) lane?.failAll(error, reason);
  }

  /** Resolves when every connection is closed. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane?.close()));
  }

  #laneFor(orderKey: string | undefined): Lane {
    if (orderKey === undefined) return this.#lane(0);
    const keyedLanes = this.#keyedLanesFor(this.#window);
    if (keyedLanes !== this.#keyedLanes && this.#lanes.every((lane) => !lane || lane.idle)) this.#keyedLanes = keyedLanes;
    if (this.#keyedLanes === 0) return this.#lane(0);
    return this.#lane(this.#keyedLanes === 1 ? 1 : 1 + (hashOf(orderKey) % this.#keyedLanes));
  }

  #keyedLanesFor(window: number): number {
    const keyed = this.#options.poolSize - 1;
    return window === 1 ? keyed : Math.min(keyed, 1);
  }

  #lane(index: number): Lane {
    const existing = this.#lanes[index];
    if (existing) return existing;
    const { clock, logger, metrics, members, sockets, connectionOptions } = this.#deps;
    const { member } = this;
    const counters = members.of(member);
    const onFinished = (message: Outgoing) => this.#finished(message);
    const lane = new Lane({ clock, logger, metrics, counters, sockets, connectionOptions, member, onFinished }, this.#options);
    lane.window = this.#window;
    while (this.#lanes.length < index) this.#lanes.push(undefined);
    this.#lanes[index] = lane;
    return lane;
  }

  #finished(message: Outgoing): void {
    this.#queuedBytes -= message.frame.length;
    this.#deps.onFinished(message.frame.length);
  }
}

/** FNV-1a. Only this process depends on the lane of a key. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
