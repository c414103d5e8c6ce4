// Events about objects, as `kubectl describe` shows them. Core v1, since kubectl reads that: with count and both times, "x3 over 2m".
import { asError, type Clock, type Lifecycle, type Logger, type Random } from "../base/index.ts";
import { isApiError } from "./errors.ts";
import { EventCorrelator, type EventSeries, type Occurrence } from "./event-correlator.ts";
import type { KubeClient } from "./kube-client.ts";
import { type KubeObject, keyOf } from "./kube-object.ts";
import { secondTime } from "./micro-time.ts";
import { RESOURCES } from "./resource.ts";

export interface EventRecorderOptions {
  /** Who speaks, "From" in `kubectl describe`: the name of the controller. */
  readonly component: string;
  /** Which of several: the pod's name. */
  readonly instance: string;
}

export interface KubeEvent extends Pick<Occurrence, "type" | "message"> {
  /** UpperCamelCase, from a documented list. */
  readonly reason: string;
}

/** Waiting to be written; what comes then is dropped and counted in the log. */
const MAX_WAITING = 1000;
const MAX_MESSAGE_LENGTH = 1024;
/** Leaves room for what makes the name unique, in the 253 that the API server takes. */
const MAX_NAME_LENGTH = 236;
/** For what still waits when the process stops. */
const STOP_MS = 5000;
const TIMEOUT_MS = 10_000;

interface Waiting {
  readonly about: KubeObject;
  readonly event: KubeEvent;
}

export class EventRecorder implements Lifecycle {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #client: Pick<KubeClient, "create" | "merge">;
  readonly #options: EventRecorderOptions;
  readonly #correlator: EventCorrelator;
  readonly #waiting = new Map<EventSeries, Waiting>();
  readonly #stopped = new AbortController();
  #writing: Promise<void> | undefined;

  constructor(
    deps: {
      readonly clock: Clock;
      readonly random: Random;
      readonly logger: Logger;
      readonly client: Pick<KubeClient, "create" | "merge">;
    },
    options: EventRecorderOptions,
  ) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#logger = deps.logger.child({ component: "EventRecorder" });
    this.#client = deps.client;
    this.#options = options;
    this.#correlator = new EventCorrelator(deps.clock);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** What waits is written, for 5 s at most. */
  async stop(): Promise<void> {
    const timer = this.#clock.setTimeout(() => this.#stopped.abort(new Error("The recorder stopped")), STOP_MS);
    await this.#writing;
    timer.cancel();
    this.#stopped.abort();
  }

  /** Never throws and never waits: an event is news, not state. `about` is an object that the API server knows. */
  record(about: KubeObject, event: KubeEvent): void {
    const { type, reason } = event;
    const message = event.message.slice(0, MAX_MESSAGE_LENGTH);
    const series = this.#correlator.correlate({ uid: about.metadata.uid ?? keyOf(about.metadata), type, reason, message });
    if (series === undefined || this.#waiting.size >= MAX_WAITING || this.#stopped.signal.aborted) {
      this.#logger.debug({ about: about.metadata.name, reason }, "Event dropped: too many");
      return;
    }
    this.#waiting.set(series, { about, event });
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    for (const [series, waiting] of this.#waiting) {
      this.#waiting.delete(series);
      if (this.#stopped.signal.aborted) continue;
      try {
        await this.#writeOne(waiting, series);
      } catch (error) {
        const { about, event } = waiting;
        this.#logger.warn({ err: asError(error), about: about.metadata.name, reason: event.reason }, "Event was not written");
      }
    }
    this.#writing = undefined;
  }

  async #writeOne({ about, event }: Waiting, series: EventSeries): Promise<void> {
    const namespace = about.metadata.namespace ?? "default";
    const call = { signal: this.#stopped.signal, timeoutMs: TIMEOUT_MS };
    if (series.name !== undefined) {
      const { count, message } = series;
      try {
        const patch = { count, lastTimestamp: secondTime(series.lastMs), message };
        await this.#client.merge(RESOURCES.Event, { namespace, name: series.name }, patch, call);
        return;
      } catch (error) {
        // The API server forgets events after an hour.
        if (!isApiError(error, "NotFound")) throw error;
      }
    }
    const name = `${about.metadata.name.slice(0, MAX_NAME_LENGTH)}.${this.#random.bytes(8).toString("hex")}`;
    await this.#client.create(RESOURCES.Event, this.#object(name, namespace, about, event, series), call);
    series.name = name;
  }

  #object(name: string, namespace: string, about: KubeObject, { type, reason }: KubeEvent, series: EventSeries): KubeObject {
    const { component, instance } = this.#options;
    const { uid, resourceVersion } = about.metadata;
    const object = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        namespace: about.metadata.namespace,
        name: about.metadata.name,
        uid,
        resourceVersion,
      },
      type,
      reason,
      message: series.message,
      count: series.count,
      firstTimestamp: secondTime(series.firstMs),
      lastTimestamp: secondTime(series.lastMs),
      source: { component },
      reportingComponent: component,
      reportingInstance: instance,
    };
    return object;
  }
}
