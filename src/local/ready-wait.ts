// Decides when a local cluster is ready: once, and as soon as a script may rely on what it finds.
import { type Clock, delay, type Timer } from "../base/index.ts";

/** A process as far as its readiness goes. */
export interface AwaitedProcess {
  readonly name: string;
  readonly ready: boolean;
}

export interface ReadyWaitDeps {
  readonly clock: Clock;
  /** Names of the workers to which the balancer sends requests. Must not reject. */
  fetchServingWorkers(): Promise<readonly unknown[]>;
  /** At most once. */
  onReady(): void;
  /** The wait for all workers is over, and some of the parts are not ready: from now on one ready worker is enough. */
  onOverdue(): void;
}

/** Workers that are not ready by then are waited for no longer: one broken application must not keep the others from being used. */
const WAIT_MS = 8000;
const SERVING_POLL_MS = 50;

export class ReadyWait {
  readonly #deps: ReadyWaitDeps;
  readonly #workers: readonly AwaitedProcess[];
  readonly #balancer: AwaitedProcess;
  #timer: Timer | undefined;
  #overdue = false;
  #asking = false;
  #over = false;

  constructor(deps: ReadyWaitDeps, parts: { readonly workers: readonly AwaitedProcess[]; readonly balancer: AwaitedProcess }) {
    this.#deps = deps;
    this.#workers = parts.workers;
    this.#balancer = parts.balancer;
  }

  begin(): void {
    this.#timer = this.#deps.clock.setTimeout(() => {
      this.#overdue = true;
      this.#deps.onOverdue();
      this.check();
    }, WAIT_MS);
  }

  /** Something has become ready. */
  check(): void {
    if (this.#asking || !this.#mayBeReady()) return;
    this.#asking = true;
    void this.#askBalancer().finally(() => {
      this.#asking = false;
    });
  }

  /** Nothing is called afterwards. */
  end(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #mayBeReady(): boolean {
    const enough = this.#workers.every(({ ready }) => ready) || (this.#overdue && this.#workers.some(({ ready }) => ready));
    return !this.#over && enough && this.#balancer.ready;
  }

  /** The balancer notices a worker a moment after we do, and a script may kill the only one that it knows right after the event. */
  async #askBalancer(): Promise<void> {
    while (this.#mayBeReady()) {
      const serving = await this.#deps.fetchServingWorkers();
      if (!this.#mayBeReady()) return;
      if (this.#overdue || this.#workers.every(({ ready, name }) => !ready || serving.includes(name))) {
        this.end();
        this.#deps.onReady();
        return;
      }
      await delay(this.#deps.clock, SERVING_POLL_MS);
    }
  }
}
