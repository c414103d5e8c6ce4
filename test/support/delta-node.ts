// One worker of a fake group, as far as replication goes: a cluster, a manager, and requests without HTTP.
import { type Logger, Registry, silentLogger, systemRandom } from "../../src/base/index.ts";
import type { MemberKind } from "../../src/channel/index.ts";
import { SimpleTcpCluster } from "../../src/replication/cluster.ts";
import { DeltaManager } from "../../src/replication/session/delta-manager.ts";
import type { DeltaManagerOptions } from "../../src/replication/session/delta-manager-options.ts";
import type { DeltaSession } from "../../src/replication/session/delta-session.ts";
import type { FakeChannel, FakeGroup } from "./fake-group.ts";

export const CONTEXT = "localhost#/app";

export interface DeltaNodeOptions extends Partial<DeltaManagerOptions> {
  /** Default 6. */
  readonly channelSendOptions?: number;
  readonly kind?: MemberKind;
  readonly logger?: Logger;
}

export class DeltaNode {
  readonly channel: FakeChannel;
  readonly cluster: SimpleTcpCluster;
  readonly manager: DeltaManager;
  readonly registry = new Registry();
  readonly route: string;

  constructor(group: FakeGroup, name: number, options: DeltaNodeOptions = {}) {
    this.channel = group.channel(name, options.kind);
    this.route = `n${name}`;
    const deps = { clock: group.clock, logger: options.logger ?? silentLogger, registry: this.registry };
    this.cluster = new SimpleTcpCluster(
      { ...deps, channel: this.channel },
      { placement: "Engine", channelSendOptions: options.channelSendOptions ?? 6, manager: { type: "Delta", attributes: {} } },
    );
    this.manager = new DeltaManager(
      { ...deps, random: systemRandom, cluster: this.cluster },
      { name: CONTEXT, contextName: CONTEXT, jvmRoute: this.route, ...options },
    );
  }

  static async started(group: FakeGroup, name: number, options?: DeltaNodeOptions): Promise<DeltaNode> {
    const node = new DeltaNode(group, name, options);
    await node.start();
    return node;
  }

  async start(): Promise<void> {
    await this.cluster.start();
    await this.manager.start();
  }

  async stop(): Promise<void> {
    await this.manager.stop();
    await this.cluster.stop();
  }

  /** A request that makes a session. */
  async create(work: (session: DeltaSession) => void = () => undefined): Promise<string> {
    const session = this.manager.createSession();
    await this.#run(session, work);
    return session.id;
  }

  /** A request that comes with this id; resolves when its answer may leave. Throws when the session is not here. */
  async request(id: string, work: (session: DeltaSession) => void | Promise<void> = () => undefined): Promise<void> {
    await this.#run(this.find(id), work);
  }

  find(id: string): DeltaSession {
    const session = this.manager.findSession(id);
    if (session === undefined || session instanceof Promise) throw new Error(`Session is not on node ${this.channel.name}`);
    return session as DeltaSession;
  }

  has(id: string): boolean {
    return this.manager.sessionWithId(id) !== undefined;
  }

  /** What the session holds here, without becoming its user. */
  attributes(id: string): Record<string, unknown> {
    const session = this.find(id);
    return Object.fromEntries(session.getAttributeNames().map((name) => [name, session.getAttribute(name)]));
  }

  get digest(): string {
    return this.manager.describe({ digest: true }).digest ?? "";
  }

  async metric(name: string): Promise<number> {
    const metric = await this.registry.getSingleMetric(name)?.get();
    if (metric === undefined) throw new Error(`There is no metric "${name}"`);
    return metric.values.reduce((sum, { value }) => sum + value, 0);
  }

  async #run(session: DeltaSession, work: (session: DeltaSession) => void | Promise<void>): Promise<void> {
    session.access();
    await work(session);
    await this.manager.requestCompleted(session);
    session.endAccess();
  }
}
