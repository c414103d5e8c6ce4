// Stays in contact with the API server about one kind of object: lists, watches on from there, and begins again whatever happens.
import { asError, backOffMs, type Clock, delay, fraction, LineTooLongError, type Logger, type Random } from "../base/index.ts";
import { ApiError, InvalidAnswerError, isApiError, SilentWatchError, TimeTravelError } from "./errors.ts";
import type { KubeClient, Selection } from "./kube-client.ts";
import type { KubeObject, Status } from "./kube-object.ts";
import type { Resource } from "./resource.ts";

/** What it needs of a KubeClient. */
export type ObjectSource = Pick<KubeClient, "pages" | "watch">;

/** Who is told. Called one after the other; the next thing is not read before a promise is kept. None of them may throw. */
export interface ReflectorListener<T extends KubeObject> {
  /** This is all there is: what is not among them is gone. */
  listed(objects: readonly T[]): Promise<void>;
  changed(object: T): void;
  removed(object: T): void;
  /** The API server is there: a watch was opened, an event or a bookmark came. */
  watchOpened(): void;
  heard(): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly resource: Resource;
  readonly selection: Selection;
  /** Applied to every object as soon as it is read, so that pages of a large list do not pile up whole. */
  readonly transform: (object: T) => T;
  readonly silenceMs: number;
}

const WHOLE_NUMBER = /^[1-9]\d*$/;
/** At most 10 s: a dozen informers that knock that often are no burden, and an API server that is back is found soon. */
const BACK_OFF = { baseMs: 500, maxMs: 10_000 };
/** A watch that lasted so long was a good one: the next failure begins at the shortest delay. */
const SETTLED_MS = 10_000;
/** The API server ends a watch after 5 to 10 minutes, not all at once. */
const WATCH_SECONDS = 300;
/**
 * Watches in a row without a byte before everything is listed again. One is no reason: an API server sends no bookmarks for a kind that never
 * changed since it started. But it may also wait for a version that it lost, after etcd was put back: only a list tells.
 */
const SILENT_WATCHES = 2;
/** Beside 410: going on from the last version would bring the same again, or nothing. */
const RELIST_AFTER = [SilentWatchError, TimeTravelError, InvalidAnswerError, LineTooLongError];
/** Lists that expire between two of their pages, in a row, before it counts as a failure. */
const EXPIRED_LISTS = 3;

export class Reflector<T extends KubeObject> {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #client: ObjectSource;
  readonly #options: ReflectorOptions<T>;
  readonly #listener: ReflectorListener<T>;
  /** Where the next watch goes on; undefined: list first. */
  #version: string | undefined;
  #silences = 0;
  /** When the present watch was opened, if it was. */
  #openedMs: number | undefined;
  /** On the present watch: it is getting on, however often it breaks. */
  #hasHeard = false;
  #failure: Error | undefined;

  constructor(
    deps: { readonly clock: Clock; readonly random: Random; readonly logger: Logger; readonly client: ObjectSource },
    options: ReflectorOptions<T>,
    listener: ReflectorListener<T>,
  ) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#logger = deps.logger;
    this.#client = deps.client;
    this.#options = options;
    this.#listener = listener;
  }

  /** Why there is no contact now, or undefined. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Resolves when the signal is aborted, and never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      this.#openedMs = undefined;
      this.#hasHeard = false;
      let retryAfterMs = 0;
      try {
        if (this.#version === undefined) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#lost(asError(error));
        if (error instanceof ApiError) retryAfterMs = error.retryAfterMs ?? 0;
      }
      if (this.#clock.monotonic() - (this.#openedMs ?? Number.POSITIVE_INFINITY) >= SETTLED_MS) failures = 0;
      else failures = this.#hasHeard ? 1 : failures + 1;
      const waitMs = Math.max(retryAfterMs, failures === 0 ? 0 : backOffMs(BACK_OFF, failures, this.#random));
      await delay(this.#clock, waitMs, signal).catch(() => undefined);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    for (let expired = 0; ; expired++) {
      const objects: T[] = [];
      let version = "";
      try {
        for await (const page of this.#client.pages<T>(this.#options.resource, this.#options.selection, { signal, retries: 0 })) {
          for (const object of page.items) objects.push(this.#options.transform(object));
          version = page.resourceVersion;
        }
      } catch (error) {
        if (isApiError(error, "Expired") && expired < EXPIRED_LISTS) continue;
        throw error;
      }
      await this.#listener.listed(objects);
      this.#version = version;
      return;
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { resource, selection, silenceMs, transform } = this.#options;
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + fraction(this.#random)));
    const events = await this.#client.watch<T>(resource, {
      ...selection,
      resourceVersion: this.#version!,
      timeoutSeconds,
      silenceMs,
      signal,
    });
    this.#listener.watchOpened();
    this.#found();
    for await (const event of events) {
      if (event.type === "ERROR") throw endOf(event.object);
      const version = event.object.metadata?.resourceVersion;
      if (version === undefined) throw new InvalidAnswerError(`A watch of ${resource.plural} sent an object without resourceVersion`);
      if (isOlder(version, this.#version!)) throw new TimeTravelError(resource.plural, version, this.#version!);
      if (event.type === "DELETED") this.#listener.removed(transform(event.object));
      else if (event.type !== "BOOKMARK") this.#listener.changed(transform(event.object));
      this.#version = version;
      this.#silences = 0;
      this.#hasHeard = true;
      this.#listener.heard();
    }
  }

  #found(): void {
    this.#openedMs = this.#clock.monotonic();
    if (this.#failure) this.#logger.info("Contact to the API server is back");
    this.#failure = undefined;
  }

  #lost(error: Error): void {
    if (error instanceof SilentWatchError && ++this.#silences < SILENT_WATCHES) {
      this.#logger.debug({ err: error }, "Watch was silent");
      return;
    }
    if (isApiError(error, "Expired") || RELIST_AFTER.some((kind) => error instanceof kind)) this.#version = undefined;
    this.#silences = 0;
    // Once is enough until it is over.
    this.#logger[this.#failure ? "debug" : "warn"]({ err: error, relist: this.#version === undefined }, "Watch failed");
    this.#failure = error;
  }
}

/** Versions are whole numbers that only grow (Kubernetes 1.35 promises it); those of an API server of another kind are not compared. */
function isOlder(one: string, other: string): boolean {
  if (!WHOLE_NUMBER.test(one) || !WHOLE_NUMBER.test(other)) return false;
  return one.length === other.length ? one < other : one.length < other.length;
}

function endOf(status: Status): ApiError {
  const retryAfterSeconds = status.details?.retryAfterSeconds ?? 0;
  return new ApiError("A watch", status.code ?? 500, status, "", retryAfterSeconds * 1000);
}
