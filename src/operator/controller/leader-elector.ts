// One of several processes leads: whoever holds a Lease and renews it in time. The others wait for it to run out or to be released.
import {
  asError,
  type Clock,
  Counter,
  delay,
  Gauge,
  type Lifecycle,
  type Logger,
  type Random,
  type Registry,
  type Timer,
  TomcatClusterError,
} from "../../base/index.ts";
import { type CallOptions, isApiError, type KubeClient, type KubeObject, microTime, RESOURCES } from "../../kube/index.ts";

export interface LeaderElectorOptions {
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this process alone; a pod's name. Whoever comes under the holder's name takes the Lease at once: it is the same pod, started again. */
  readonly identity: string;
  /** Others wait so long after the last renewal that they saw. Default 15 000. */
  readonly leaseDurationMs?: number;
  /** The leader gives up when it could not renew for so long. Default 10 000; less than leaseDurationMs by what clocks may differ. */
  readonly renewDeadlineMs?: number;
  /** Between two attempts. Default 2000. */
  readonly retryPeriodMs?: number;
}

/** This process must not act any more: another one may lead already. */
export class LeadershipLostError extends TomcatClusterError {
  readonly code = "LEADERSHIP_LOST";

  constructor(lease: string, reason: string, options?: ErrorOptions) {
    super(`The lease "${lease}" is lost: ${reason}`, options);
  }
}

interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string | undefined;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

const LEASE_DURATION_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_PERIOD_MS = 2000;
/** Of the period, at most, so that those who wait do not all come at once. */
const JITTER = 0.2;
/** For the release, while the process stops. */
const RELEASE_TIMEOUT_MS = 3000;

export class LeaderElector implements Lifecycle {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #client: Pick<KubeClient, "find" | "create" | "replace">;
  readonly #onLost: (error: LeadershipLostError) => void;
  readonly #options: Required<LeaderElectorOptions>;
  readonly #status: Gauge<"name">;
  readonly #slowPaths: Counter<"name">;
  /** Aborted when it stops competing, for whatever reason. */
  readonly #ended = new AbortController();
  readonly #elected = Promise.withResolvers<boolean>();
  #running: Promise<void> | undefined;
  /** As it was last seen, and since when it is like that, by our own clock: the holder's may be wrong. */
  #lease: Lease | undefined;
  #observedMs = 0;
  /** When the last renewal that succeeded was sent; undefined: this process does not lead. */
  #renewedMs: number | undefined;
  #deadline: Timer | undefined;
  #isLost = false;

  constructor(
    deps: {
      readonly clock: Clock;
      readonly random: Random;
      readonly logger: Logger;
      readonly registry: Registry;
      readonly client: Pick<KubeClient, "find" | "create" | "replace">;
      /** Called at most once, and not after `stop`. The process has to end, with a failure. */
      readonly onLost: (error: LeadershipLostError) => void;
    },
    options: LeaderElectorOptions,
  ) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#client = deps.client;
    this.#onLost = deps.onLost;
    this.#options = {
      leaseDurationMs: LEASE_DURATION_MS,
      renewDeadlineMs: RENEW_DEADLINE_MS,
      retryPeriodMs: RETRY_PERIOD_MS,
      ...options,
    };
    const { name, identity } = this.#options;
    this.#logger = deps.logger.child({ component: "LeaderElector", lease: name, identity });
    const labels = { labelNames: ["name"] as const, registers: [deps.registry] };
    this.#status = new Gauge({ name: "leader_election_master_status", help: "1 while this process leads, 0 while it waits.", ...labels });
    this.#slowPaths = new Counter({
      name: "leader_election_slowpath_total",
      help: "Renewals that had to read the lease first.",
      ...labels,
    });
    this.#status.set({ name }, 0);
  }

  /** Whether nobody else can lead now. */
  get isLeader(): boolean {
    return this.#renewedMs !== undefined && this.#clock.monotonic() - this.#renewedMs < this.#options.leaseDurationMs;
  }

  /** True once this process leads; false when it was stopped before. */
  get elected(): Promise<boolean> {
    return this.#elected.promise;
  }

  /** Begins to compete, and does not wait for the outcome. */
  start(): Promise<void> {
    this.#running = this.#run(this.#ended.signal);
    return Promise.resolve();
  }

  /** Releases the lease, so that another one leads at once: stop first whatever only the leader does. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
    this.#elected.resolve(false);
    if (this.#renewedMs === undefined) return;
    this.#resigned();
    try {
      await this.#release();
      this.#logger.info("Lease released");
    } catch (error) {
      this.#logger.warn({ err: asError(error) }, "Lease could not be released: it runs out");
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await this.#tryToAcquire(signal))) await this.#pause(signal);
    if (signal.aborted) return;
    this.#status.set({ name: this.#options.name }, 1);
    this.#logger.info("Leading");
    this.#elected.resolve(true);
    for (await this.#pause(signal); !signal.aborted; await this.#pause(signal)) await this.#renew(signal);
  }

  async #tryToAcquire(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, identity } = this.#options;
    const startedMs = this.#clock.monotonic();
    try {
      const call = { signal, retries: 0, isUrgent: true, timeoutMs: this.#options.renewDeadlineMs / 2 };
      const lease = await this.#client.find<Lease>(RESOURCES.Lease, { namespace, name }, call);
      this.#observe(lease);
      const holder = lease?.spec?.holderIdentity;
      if (lease && holder && holder !== identity && this.#isHeld(lease)) return false;
      const now = microTime(this.#clock.now());
      const transitions = (lease?.spec?.leaseTransitions ?? 0) + (lease && holder !== identity ? 1 : 0);
      await this.#write({ ...this.#term(now), acquireTime: now, leaseTransitions: transitions }, call);
      this.#renewed(startedMs);
      return true;
    } catch (error) {
      // Somebody was faster.
      if (isApiError(error, "Conflict") || isApiError(error, "AlreadyExists") || signal.aborted) return false;
      this.#logger.warn({ err: asError(error) }, "Lease could not be acquired");
      return false;
    }
  }

  /** Never rejects: there is time for another attempt, until the deadline. */
  async #renew(signal: AbortSignal): Promise<void> {
    const { namespace, name, identity, renewDeadlineMs } = this.#options;
    const startedMs = this.#clock.monotonic();
    const call = { signal, retries: 0, isUrgent: true, timeoutMs: renewDeadlineMs / 2 };
    try {
      if (this.#lease === undefined) {
        this.#slowPaths.inc({ name });
        const found = await this.#client.find<Lease>(RESOURCES.Lease, { namespace, name }, call);
        this.#observe(found);
        const holder = found?.spec?.holderIdentity;
        if (holder && holder !== identity) {
          this.#lose(`"${holder}" holds it`);
          return;
        }
      }
      const spec = this.#lease?.spec ?? {};
      await this.#write({ ...spec, ...this.#term(microTime(this.#clock.now())) }, call);
      this.#renewed(startedMs);
    } catch (error) {
      // Somebody wrote to it, or removed it: the next attempt looks first.
      if (isApiError(error, "Conflict") || isApiError(error, "NotFound") || isApiError(error, "AlreadyExists")) this.#lease = undefined;
      if (!signal.aborted) this.#logger.warn({ err: asError(error) }, "Lease could not be renewed");
    }
  }

  async #release(): Promise<void> {
    const { namespace, name, identity } = this.#options;
    const call = { isUrgent: true, timeoutMs: RELEASE_TIMEOUT_MS };
    const write = () => {
      const { holderIdentity: _holder, ...spec } = this.#lease?.spec ?? {};
      // A second is the least that the API server takes; without a holder nobody waits for it.
      return this.#write({ ...spec, leaseDurationSeconds: 1, renewTime: microTime(this.#clock.now()) }, call);
    };
    try {
      await write();
    } catch (error) {
      if (!isApiError(error, "Conflict")) throw error;
      // The last renewal was cut off by the stop, and arrived all the same.
      this.#observe(await this.#client.find<Lease>(RESOURCES.Lease, { namespace, name }, call));
      if (this.#lease?.spec?.holderIdentity === identity) await write();
    }
  }

  /** The deadline does not depend on any call coming to an end, and holds for a process that stood still too. */
  #renewed(startedMs: number): void {
    if (this.#isLost) return;
    const { renewDeadlineMs } = this.#options;
    this.#renewedMs = startedMs;
    this.#deadline?.cancel();
    const lose = () => this.#lose(`it was not renewed for ${renewDeadlineMs} ms`);
    this.#deadline = this.#clock.setTimeout(lose, startedMs + renewDeadlineMs - this.#clock.monotonic());
  }

  #lose(reason: string): void {
    const { namespace, name } = this.#options;
    this.#resigned();
    this.#isLost = true;
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    const error = new LeadershipLostError(`${namespace}/${name}`, reason);
    this.#logger.error({ err: error }, "Leadership lost");
    this.#onLost(error);
  }

  #observe(lease: Lease | undefined): void {
    if (lease?.metadata.resourceVersion !== this.#lease?.metadata.resourceVersion) this.#observedMs = this.#clock.monotonic();
    this.#lease = lease;
  }

  #isHeld(lease: Lease): boolean {
    return this.#clock.monotonic() - this.#observedMs < (lease.spec?.leaseDurationSeconds ?? 0) * 1000;
  }

  #term(renewTime: string): NonNullable<Lease["spec"]> {
    const { identity, leaseDurationMs } = this.#options;
    return { holderIdentity: identity, leaseDurationSeconds: Math.round(leaseDurationMs / 1000), renewTime };
  }

  /** Over the lease as it was last seen, or a new one; rejects when it has changed since. */
  async #write(spec: NonNullable<Lease["spec"]>, call: CallOptions): Promise<void> {
    const { namespace, name } = this.#options;
    const metadata = this.#lease?.metadata ?? { namespace, name };
    const lease: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
    this.#lease = this.#lease
      ? await this.#client.replace<Lease>(RESOURCES.Lease, lease, call)
      : await this.#client.create<Lease>(RESOURCES.Lease, lease, call);
    this.#observedMs = this.#clock.monotonic();
  }

  #resigned(): void {
    this.#deadline?.cancel();
    this.#renewedMs = undefined;
    this.#status.set({ name: this.#options.name }, 0);
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { retryPeriodMs } = this.#options;
    const share = this.#random.bytes(1)[0]! / 255;
    await delay(this.#clock, retryPeriodMs * (1 + JITTER * share), signal).catch(() => undefined);
  }
}
