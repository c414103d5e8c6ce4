// One worker with a real channel over loopback, as far as replication goes: requests without HTTP.
import { type Clock, type Logger, Registry, silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { createChannel, type GroupChannel } from "../../src/channel/index.ts";
import { SimpleTcpCluster } from "../../src/replication/cluster.ts";
import { DeltaManager } from "../../src/replication/session/delta-manager.ts";
import type { DeltaSession } from "../../src/replication/session/delta-session.ts";
import { type ChannelConfigOptions, channelConfig } from "./channel-cluster.ts";
import type { ScriptedResolver } from "./scripted-resolver.ts";

export interface ReplicatedWorkerOptions extends ChannelConfigOptions {
  readonly resolver: ScriptedResolver;
  /** Default 6. */
  readonly channelSendOptions?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Of the one manager; default "localhost#/app". */
  readonly contextName?: string;
}

export class ReplicatedWorker {
  readonly address: string;
  readonly channel: GroupChannel;
  readonly cluster: SimpleTcpCluster;
  readonly manager: DeltaManager;
  readonly registry = new Registry();

  constructor(options: ReplicatedWorkerOptions) {
    this.address = options.address;
    const { resolver, logger = silentLogger, clock = systemClock, contextName = "localhost#/app" } = options;
    const deps = { clock, random: systemRandom, logger, registry: this.registry };
    this.channel = createChannel({ ...deps, resolver }, channelConfig(options));
    this.cluster = new SimpleTcpCluster(
      { ...deps, channel: this.channel },
      { placement: "Engine", channelSendOptions: options.channelSendOptions ?? 6, manager: { type: "Delta", attributes: {} } },
    );
    this.manager = new DeltaManager(
      { ...deps, cluster: this.cluster },
      { name: contextName, contextName, jvmRoute: `n${options.address.split(".").at(-1)}` },
    );
  }

  async start(): Promise<void> {
    await this.cluster.start();
    await this.manager.start();
  }

  /** As SIGTERM does it. */
  async stop(): Promise<void> {
    this.cluster.switchToSynchronous();
    await this.manager.stop();
    await this.cluster.stop();
  }

  /** As a killed process: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    await this.channel.stop({ goodbye: false });
  }

  async create(work: (session: DeltaSession) => void | Promise<void>): Promise<string> {
    const session = this.manager.createSession();
    await this.#run(session, work);
    return session.id;
  }

  /** Throws when the session is not here. */
  async request(id: string, work: (session: DeltaSession) => void | Promise<void>): Promise<void> {
    await this.#run(this.find(id), work);
  }

  find(id: string): DeltaSession {
    const session = this.manager.findSession(id);
    if (session === undefined || session instanceof Promise) throw new Error(`Session "${id}" is not on ${this.address}`);
    return session as DeltaSession;
  }

  get digest(): string | undefined {
    return this.manager.describe({ digest: true }).digest;
  }

  async #run(session: DeltaSession, work: (session: DeltaSession) => void | Promise<void>): Promise<void> {
    session.access();
    await work(session);
    await this.manager.requestCompleted(session);
    session.endAccess();
  }
}
