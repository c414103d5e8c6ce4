// In place of a KubeClient: lists and watches that a test plays by hand.
import type { KubeObject } from "../../src/kube/index.ts";
import type { Page, Selection, WatchOptions } from "../../src/kube/kube-client.ts";
import type { ObjectSource } from "../../src/kube/reflector.ts";
import type { Resource } from "../../src/kube/resource.ts";
import type { WatchEvent } from "../../src/kube/watch-events.ts";

/** One watch that is open. */
export class PlayedWatch {
  readonly options: WatchOptions;
  #events: (WatchEvent<KubeObject> | Error | "end")[] = [];
  #wake: () => void = () => undefined;

  constructor(options: WatchOptions) {
    this.options = options;
    options.signal.addEventListener("abort", () => this.#push(options.signal.reason as Error));
  }

  event(type: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject): void {
    this.#push({ type, object });
  }

  bookmark(resourceVersion: string): void {
    this.#push({ type: "BOOKMARK", object: { metadata: { resourceVersion } } });
  }

  /** An ERROR event, as the API server sends it in a watch. */
  error(code: number, reason: string): void {
    this.#push({ type: "ERROR", object: { kind: "Status", code, reason } });
  }

  /** The connection breaks, or whatever else reading throws. */
  fail(error: Error): void {
    this.#push(error);
  }

  end(): void {
    this.#push("end");
  }

  async *read<T extends KubeObject>(): AsyncGenerator<WatchEvent<T>, void> {
    for (;;) {
      const next = this.#events.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (next === "end") return;
      else if (next instanceof Error) throw next;
      else yield next as WatchEvent<T>;
    }
  }

  #push(event: WatchEvent<KubeObject> | Error | "end"): void {
    this.#events.push(event);
    this.#wake();
  }
}

export class ScriptedSource implements ObjectSource {
  /** What lists return: their pages, or a failure in place of one. The last one stays. */
  lists: (readonly (Page<KubeObject> | Error)[])[] = [[{ items: [], resourceVersion: "1" }]];
  /** Failures of opening a watch, used up one by one. */
  watchFailures: Error[] = [];
  readonly watches: PlayedWatch[] = [];
  listed = 0;
  selections: Selection[] = [];

  /** The watch that is open now. */
  get latest(): PlayedWatch {
    return this.watches.at(-1)!;
  }

  async *pages<T extends KubeObject>(_of: Resource, selection: Selection): AsyncGenerator<Page<T>, void> {
    this.listed++;
    this.selections.push(selection);
    const pages = this.lists.length > 1 ? this.lists.shift()! : this.lists[0]!;
    for (const page of pages) {
      if (page instanceof Error) throw page;
      yield page as unknown as Page<T>;
    }
  }

  watch<T extends KubeObject>(_of: Resource, options: WatchOptions): Promise<AsyncGenerator<WatchEvent<T>, void>> {
    const failure = this.watchFailures.shift();
    if (failure) return Promise.reject(failure);
    const watch = new PlayedWatch(options);
    this.watches.push(watch);
    return Promise.resolve(watch.read<T>());
  }
}
