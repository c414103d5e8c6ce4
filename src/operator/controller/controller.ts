// Calls `reconcile` for every key that something happened to, again after failures, never twice at a time for one key.
import { asError, type Clock, type Lifecycle, type Logger, TomcatClusterError } from "../../base/index.ts";
import type { Informer, KubeObject } from "../../kube/index.ts";
import type { ControllerMetrics, ReconcileOutcome } from "./controller-metrics.ts";
import { WorkQueue, type WorkQueueOptions } from "./work-queue.ts";

export interface ReconcileResult {
  /** Asks to be called again without anything happening. */
  readonly requeueAfterMs?: number;
}

/**
 * Makes the world as the key's object wants it, whatever happened before: it is told that something changed, not what. Rejecting repeats it
 * with a growing delay. The signal is aborted when it takes too long and when the process stops: what is half done is done anew.
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>;

/** Trying again cannot help before somebody changes something: told, counted, not repeated. */
export class TerminalReconcileError extends TomcatClusterError {
  readonly code = "RECONCILE_TERMINAL";
}

export interface ControllerOptions extends WorkQueueOptions {
  /** Keys worked on at a time. Default 1. */
  readonly concurrency?: number;
  /** For one call of `reconcile`. Default 5 min. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 300_000;
/** What running calls get to end after `stop`. */
const GRACE_MS = 10_000;

class ReconcileTimeoutError extends TomcatClusterError {
  readonly code = "RECONCILE_TIMEOUT";
  override readonly retryable = true;

  constructor(key: string, timeoutMs: number) {
    super(`The reconcile of "${key}" was not done within ${timeoutMs} ms`);
  }
}

export class Controller implements Lifecycle {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: ControllerMetrics;
  readonly #options: ControllerOptions;
  readonly #reconcile: Reconcile;
  readonly #queue: WorkQueue;
  readonly #running = new Set<AbortController>();
  #workers: Promise<void>[] = [];
  #isStarted = false;

  constructor(
    deps: { readonly clock: Clock; readonly logger: Logger; readonly metrics: ControllerMetrics; readonly reconcile: Reconcile },
    options: ControllerOptions,
  ) {
    this.#clock = deps.clock;
    this.#logger = deps.logger.child({ component: "Controller", controller: options.name });
    this.#metrics = deps.metrics;
    this.#options = options;
    this.#reconcile = deps.reconcile;
    this.#queue = new WorkQueue(deps, options);
    this.#metrics.maxConcurrent.set({ controller: options.name }, options.concurrency ?? 1);
    this.#metrics.active.set({ controller: options.name }, 0);
  }

  /** Every event of the informer's objects adds their keys; those of its first list, and of a resync, are looked over. Before it starts. */
  watch<T extends KubeObject>(informer: Pick<Informer<T>, "addHandler" | "hasSynced">, keysOf: (object: T) => readonly string[]): void {
    const add = (object: T) => {
      for (const key of keysOf(object)) this.add(key);
    };
    const lookOver = (object: T) => {
      for (const key of keysOf(object)) this.lookOver(key);
    };
    informer.addHandler({
      added: (object) => (informer.hasSynced ? add(object) : lookOver(object)),
      updated: (object, before) => {
        if (before === object) {
          lookOver(object);
          return;
        }
        add(object);
        // An object that changed its owner concerns the old one too.
        add(before);
      },
      deleted: add,
    });
  }

  /** Something has changed, or is to be done. */
  add(key: string): void {
    if (this.#isStarted) this.#queue.add(key);
  }

  /** Nothing is known to have changed: comes after what has. */
  lookOver(key: string): void {
    if (this.#isStarted) this.#queue.addLater(key);
  }

  /** From now on keys are taken; of what came before, nothing is kept: whoever starts it says what there is. */
  start(): Promise<void> {
    this.#isStarted = true;
    const concurrency = this.#options.concurrency ?? 1;
    this.#workers = Array.from({ length: concurrency }, () => this.#work());
    return Promise.resolve();
  }

  /** Nothing new begins; what runs gets 10 s, then its signal is aborted. */
  async stop(): Promise<void> {
    this.#queue.close();
    const timer = this.#clock.setTimeout(() => this.abandon(new Error("The controller stops")), GRACE_MS);
    await Promise.all(this.#workers);
    timer.cancel();
  }

  /** Nothing new begins, and the signals of what runs are aborted: somebody else may have begun already. `stop` is still to be called. */
  abandon(reason: Error): void {
    this.#queue.close();
    for (const call of this.#running) call.abort(reason);
  }

  async #work(): Promise<void> {
    const controller = this.#options.name;
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      const startedMs = this.#clock.monotonic();
      this.#metrics.active.inc({ controller });
      const result = await this.#reconcileOne(key);
      this.#metrics.active.dec({ controller });
      this.#metrics.seconds.observe({ controller }, (this.#clock.monotonic() - startedMs) / 1000);
      this.#metrics.reconciles.inc({ controller, result });
      this.#queue.done(key);
    }
  }

  async #reconcileOne(key: string): Promise<ReconcileOutcome> {
    const controller = this.#options.name;
    const timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    const call = new AbortController();
    const timer = this.#clock.setTimeout(() => {
      this.#metrics.timeouts.inc({ controller });
      call.abort(new ReconcileTimeoutError(key, timeoutMs));
    }, timeoutMs);
    this.#running.add(call);
    try {
      const result = await this.#reconcile(key, call.signal);
      this.#queue.forget(key);
      if (result?.requeueAfterMs === undefined) return "success";
      this.#queue.addAfter(key, result.requeueAfterMs);
      return "requeue_after";
    } catch (error) {
      this.#failed(key, error);
      return "error";
    } finally {
      timer.cancel();
      this.#running.delete(call);
    }
  }

  #failed(key: string, error: unknown): void {
    const controller = this.#options.name;
    this.#metrics.errors.inc({ controller });
    if (isFault(error)) this.#metrics.panics.inc({ controller });
    if (error instanceof TerminalReconcileError) {
      this.#metrics.terminalErrors.inc({ controller });
      this.#queue.forget(key);
      this.#logger.error({ err: error, key }, "Reconcile failed for good");
      return;
    }
    this.#queue.addAfterFailure(key);
    this.#logger.error({ err: asError(error), key, failures: this.#queue.failures(key) }, "Reconcile failed");
  }
}

/** A mistake in the program, what a panic is in Go. */
function isFault(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}
