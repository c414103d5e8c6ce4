// Workers from a fixed list.
import type { Discovery, WorkerDescription } from "./discovery.ts";

export class StaticDiscovery implements Discovery {
  onWorkers: (workers: readonly WorkerDescription[]) => void = () => undefined;
  readonly isUp = true;
  readonly #workers: readonly WorkerDescription[];

  constructor(workers: readonly WorkerDescription[]) {
    this.#workers = workers;
  }

  async start(): Promise<void> {
    this.onWorkers(this.#workers);
  }

  async stop(): Promise<void> {
    // a list has nothing to close
  }
}
