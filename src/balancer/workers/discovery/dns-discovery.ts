// Workers from DNS: SRV records name them, each target's first label is name and route, its address record says where it is.
import type { AddressFamily, Clock, Logger, NameResolver, ServiceRecord, Timer } from "../../../base/index.ts";
import { type Discovery, MAX_WORKERS, WORKER_NAME, type WorkerDescription } from "./discovery.ts";

export interface DnsDiscoveryOptions {
  /** Name of the SRV records, "_http._tcp.shop-workers". */
  readonly service: string;
  readonly family: AddressFamily;
  readonly refreshMs: number;
}

/**
 * Rule 2 for workers: a server that cannot tell is no news. A target without a definitive answer about its address keeps the
 * address that it had; one that definitively has none is left out.
 */
export class DnsDiscovery implements Discovery {
  onWorkers: (workers: readonly WorkerDescription[]) => void = () => undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #resolver: NameResolver;
  readonly #options: DnsDiscoveryOptions;
  #addresses = new Map<string, string>();
  #timer: Timer | undefined;
  #stopped = false;
  #lastReason: string | undefined;

  constructor(deps: { clock: Clock; logger: Logger; resolver: NameResolver }, options: DnsDiscoveryOptions) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#resolver = deps.resolver;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#lastReason === undefined;
  }

  start(): Promise<void> {
    return this.#refresh();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #refresh(): Promise<void> {
    const workers = await this.#look();
    if (this.#stopped) return;
    this.#timer = this.#clock.setTimeout(() => void this.#refresh(), this.#options.refreshMs);
    if (workers) this.onWorkers(workers);
  }

  async #look(): Promise<readonly WorkerDescription[] | undefined> {
    const answer = await this.#resolver.services(this.#options.service);
    if (answer.kind === "unavailable") {
      this.#tell(answer.reason);
      return undefined;
    }
    this.#tell(undefined);
    const records = answer.kind === "found" ? answer.records.slice(0, MAX_WORKERS) : [];
    const found = await Promise.all(records.map((record) => this.#describe(record)));
    const workers = new Map<string, WorkerDescription>();
    const addresses = new Map<string, string>();
    for (const [index, worker] of found.entries()) {
      if (!worker || workers.has(worker.name)) continue;
      workers.set(worker.name, worker);
      addresses.set(records[index]!.target, worker.address);
    }
    this.#addresses = addresses;
    return [...workers.values()];
  }

  async #describe(record: ServiceRecord): Promise<WorkerDescription | undefined> {
    const name = record.target.split(".", 1)[0]!;
    if (!WORKER_NAME.test(name)) {
      this.#logger.warn({ target: record.target }, "Target of a service record ignored: its first label is no route");
      return undefined;
    }
    const answer = await this.#resolver.addresses(`${record.target}.`, this.#options.family);
    // Several addresses of one name are one worker (rule 1); sorted, so that the order of an answer changes nothing.
    const address = answer.kind === "found" ? [...answer.records].sort()[0] : this.#addresses.get(record.target);
    if (address === undefined || answer.kind === "absent") return undefined;
    const weight = record.weight > 0 ? record.weight : 1;
    return { name, route: name, address, port: record.port, weight, leaving: false, managementPort: undefined };
  }

  /** One line when the server stops answering and one when it is back, not one every refresh. */
  #tell(reason: string | undefined): void {
    if (reason === this.#lastReason) return;
    this.#lastReason = reason;
    const { service } = this.#options;
    if (reason === undefined) this.#logger.info({ service }, "DNS answers about the workers again");
    else this.#logger.warn({ service, reason }, "DNS cannot tell about the workers; those that are known stay");
  }
}
