// Lists a collection and watches on from there, for as long as it is wanted, whatever happens to the API server meanwhile.
import { asError, backOffMs, type Clock, delay, fraction, type Random, readLines } from "../base/index.ts";
import { ApiAnswerError, ApiConnectionError, ApiRefusalError, ApiSilenceError } from "./errors.ts";

/** What every object has; the rest is the JSON of its kind. */
export interface KubeObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion: string };
}

export interface Selection {
  /** Of a collection: "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices". */
  readonly path: string;
  /** "app=shop,tier in (front)". */
  readonly labelSelector?: string;
}

/** Called in order, never within `watchList`. None of them may throw. */
export interface WatchListener<T extends KubeObject> {
  /** All objects that there are: after the first list, and after every change. */
  listed(objects: readonly T[]): void;
  /** The API server is not heard any more, or was not to begin with: what was listed last may be old. Once until it is back. */
  lost(error: Error): void;
  regained(): void;
}

export interface ReadOptions {
  /** Time for the head of the answer. */
  readonly answerMs: number;
  /** Longest time between two pieces of its body. */
  readonly silenceMs: number;
  /** Ends it with whatever error the connection has then. */
  readonly signal: AbortSignal;
}

/** Where the bytes come from: an ApiServer. */
export interface Reader {
  read(path: string, options: ReadOptions): Promise<AsyncIterable<Buffer>>;
}

interface Page<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[];
}

interface WatchEvent<T> {
  readonly type?: string;
  readonly object?: T & { readonly code?: number; readonly message?: string };
}

const PAGE_OBJECTS = 200;
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
/** etcd takes objects of 1.5 MiB. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const MAX_OBJECTS = 10_000;
const ANSWER_MS = 10_000;
/** Bookmarks come about once a minute. */
const WATCH_SILENCE_MS = 130_000;
/** The API server ends a watch after 5 to 10 minutes, not all at once. */
const WATCH_SECONDS = 300;
const BACK_OFF = { baseMs: 500, maxMs: 10_000 };
/** A watch that lasted so long was a good one: the next failure begins at the shortest delay. */
const SETTLED_MS = 10_000;
const GONE = 410;

export class ListWatch<T extends KubeObject> {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #reader: Reader;
  readonly #selection: Selection;
  readonly #listener: WatchListener<T>;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #objects = new Map<string, T>();
  /** Where the next watch goes on; undefined: list first. */
  #version: string | undefined;
  #isLost = false;
  /** When the present watch was opened, if it was. */
  #openedMs = Number.POSITIVE_INFINITY;

  /** Begins at once. */
  constructor(
    deps: { readonly clock: Clock; readonly random: Random; readonly reader: Reader },
    selection: Selection,
    listener: WatchListener<T>,
  ) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#reader = deps.reader;
    this.#selection = selection;
    this.#listener = listener;
    this.#ended = this.#run(this.#stopping.signal);
  }

  /** Resolves when nothing is open any more; the listener hears nothing after the call. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      this.#openedMs = Number.POSITIVE_INFINITY;
      let retryAfterMs = 0;
      try {
        if (this.#version === undefined) await this.#list(signal);
        await this.#watch(signal, this.#version!);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(asError(error));
        if (error instanceof ApiRefusalError) retryAfterMs = error.retryAfterMs;
      }
      // A server that ends each watch at once is left alone for longer and longer too.
      failures = this.#clock.monotonic() - this.#openedMs >= SETTLED_MS ? 0 : failures + 1;
      const waitMs = failures === 0 ? 0 : backOffMs(BACK_OFF, failures, this.#random);
      await delay(this.#clock, Math.max(retryAfterMs, waitMs), signal).catch(() => undefined);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const found = new Map<string, T>();
    let page: Page<T>;
    let next = "";
    do {
      page = await this.#page(next, signal);
      for (const object of page.items ?? []) keep(found, object, this.#selection.path);
      next = page.metadata?.continue ?? "";
    } while (next !== "");
    signal.throwIfAborted();
    this.#objects = found;
    this.#version = page.metadata!.resourceVersion!;
    this.#heard();
    this.#listener.listed([...found.values()]);
  }

  async #page(next: string, signal: AbortSignal): Promise<Page<T>> {
    const path = this.#pathWith({ limit: String(PAGE_OBJECTS), ...(next !== "" && { continue: next }) });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of await this.#reader.read(path, { answerMs: ANSWER_MS, silenceMs: ANSWER_MS, signal })) {
      bytes += chunk.length;
      if (bytes > MAX_PAGE_BYTES) throw new ApiAnswerError(path, `it has more than ${MAX_PAGE_BYTES} bytes`);
      chunks.push(chunk);
    }
    const page = parse<Page<T>>(Buffer.concat(chunks, bytes), path);
    if (page.metadata?.resourceVersion === undefined) throw new ApiAnswerError(path, "it is no list");
    return page;
  }

  /** Resolves when the API server ends the watch, or says nothing for so long that it is better to ask again. */
  async #watch(signal: AbortSignal, version: string): Promise<void> {
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + fraction(this.#random)));
    const path = this.#pathWith({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: version,
      timeoutSeconds: String(timeoutSeconds),
    });
    const body = await this.#reader.read(path, { answerMs: ANSWER_MS, silenceMs: WATCH_SILENCE_MS, signal });
    this.#openedMs = this.#clock.monotonic();
    this.#heard();
    try {
      for await (const line of readLines(body, MAX_LINE_BYTES)) {
        signal.throwIfAborted();
        this.#changed(parse<WatchEvent<T>>(line, path), path);
      }
    } catch (error) {
      if (!(error instanceof ApiSilenceError)) throw error;
      // Nothing may have changed, where no bookmarks are sent; or a version is awaited that etcd lost when it was put back.
      this.#version = undefined;
    }
  }

  #changed({ type, object }: WatchEvent<T>, path: string): void {
    if (type === "ERROR") throw new ApiRefusalError(path, object?.code ?? 500, object?.message ?? "");
    const version = object?.metadata?.resourceVersion;
    if (object === undefined || version === undefined) throw new ApiAnswerError(path, "an event has no object with a resourceVersion");
    if (type === "DELETED") this.#objects.delete(keyOf(object));
    else if (type === "ADDED" || type === "MODIFIED") keep(this.#objects, object, path);
    this.#version = version;
    if (type !== "BOOKMARK") this.#listener.listed([...this.#objects.values()]);
  }

  #heard(): void {
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#listener.regained();
  }

  #failed(error: Error): void {
    const isOutdated = this.#version !== undefined && error instanceof ApiRefusalError && error.status === GONE;
    // A connection that broke says nothing about the version. After all else, going on from it might bring the same again, or nothing.
    if (!(error instanceof ApiConnectionError)) this.#version = undefined;
    // That a version is outdated is how the API server says "list again": nothing to tell anybody.
    if (isOutdated || this.#isLost) return;
    this.#isLost = true;
    this.#listener.lost(error);
  }

  #pathWith(query: Readonly<Record<string, string>>): string {
    const { path, labelSelector } = this.#selection;
    return `${path}?${new URLSearchParams({ ...query, ...(labelSelector !== undefined && { labelSelector }) })}`;
  }
}

function keep<T extends KubeObject>(objects: Map<string, T>, object: T, path: string): void {
  objects.set(keyOf(object), object);
  if (objects.size > MAX_OBJECTS) throw new ApiAnswerError(path, `there are more than ${MAX_OBJECTS} objects`);
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

/** An object, of whatever shape. */
function parse<V extends object>(json: Buffer, path: string): V {
  let value: unknown;
  try {
    value = JSON.parse(json.toString("utf8"));
  } catch (error) {
    throw new ApiAnswerError(path, asError(error).message, { cause: error });
  }
  if (typeof value !== "object" || value === null) throw new ApiAnswerError(path, "it is no object");
  return value as V;
}
