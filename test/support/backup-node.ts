// One worker of a map group, as far as a BackupManager goes: requests without HTTP.
import { Registry, silentLogger } from "../../src/base/index.ts";
import { ChannelMetrics } from "../../src/channel/channel-metrics.ts";
import type { Member } from "../../src/channel/index.ts";
import { ClusterSessionListener } from "../../src/replication/cluster-session-listener.ts";
import { Replicator } from "../../src/replication/peers/replicator.ts";
import { ReplicationMetrics } from "../../src/replication/replication-metrics.ts";
import { BackupManager, type BackupManagerOptions } from "../../src/replication/session/backup-manager.ts";
import type { DeltaSession } from "../../src/replication/session/delta-session.ts";
import type { ManagerCluster } from "../../src/replication/session/manager-cluster.ts";
import type { MapGroup } from "./map-group.ts";

const CONTEXT = "localhost#/app";

/** In a MapGroup the map of its manager is the one whose messages are noted. */
export class BackupNode {
  readonly name: string;
  readonly manager: BackupManager;
  readonly #group: MapGroup;

  private constructor(group: MapGroup, name: string, manager: BackupManager) {
    this.#group = group;
    this.name = name;
    this.manager = manager;
  }

  /** `kindOf`: default, all are ours. */
  static async started(
    group: MapGroup,
    name: number,
    options: Partial<BackupManagerOptions> & { readonly kindOf?: (member: Member) => "ours" | "Tomcat" } = {},
  ): Promise<BackupNode> {
    const { channel } = await group.add(name);
    const { kindOf = () => "ours", ...managerOptions } = options;
    const { clock, random } = group;
    const registry = new Registry();
    const metrics = ReplicationMetrics.of(registry);
    const common = { clock, logger: silentLogger, metrics, kindOf };
    const joiner = { kindOf, everyMemberAnswered: async () => undefined, knownToAll: () => undefined };
    const cluster: ManagerCluster = {
      group: {
        ...joiner,
        ...{ localMember: channel.localMember, suspects: [], listsLocalMember: true },
        get members() {
          return channel.members;
        },
        send: (destinations, message, sendOptions) => channel.send(destinations, message, sendOptions),
      },
      channel,
      metrics,
      rpcMetrics: new ChannelMetrics(registry),
      replicator: new Replicator(
        { ...common, channel: { members: [], suspects: [], send: async () => Buffer.alloc(0) } },
        { acknowledge: "Processed", asynchronous: false },
      ),
      standstill: { missesNews: false },
      addManager: () => undefined,
      removeManager: () => undefined,
    };
    const manager = new BackupManager(
      { clock, random, registry, logger: silentLogger, cluster },
      { name: CONTEXT, contextName: CONTEXT, jvmRoute: `n${name}`, ...managerOptions },
    );
    const managers = new Map([[CONTEXT, manager]]);
    channel.addChannelListener(new ClusterSessionListener({ channel, logger: silentLogger, metrics, managers }));
    await group.run(manager.start());
    return new BackupNode(group, String(name), manager);
  }

  /** A request that makes a session; resolves with its id when the answer may leave. */
  async create(work: (session: DeltaSession) => void = () => undefined): Promise<string> {
    const session = this.manager.createSession();
    await this.#run(session, work);
    return session.id;
  }

  /** Resolves with whether others have what the request changed; rejects when there is no such session. */
  async request(id: string, work: (session: DeltaSession) => void = () => undefined): Promise<boolean> {
    return this.#run(await this.find(id), work);
  }

  async find(id: string): Promise<DeltaSession> {
    const session = await this.#group.run(this.manager.findSession(id));
    if (session === undefined) throw new Error(`Worker ${this.name} finds no such session`);
    return session as DeltaSession;
  }

  async #run(session: DeltaSession, work: (session: DeltaSession) => void): Promise<boolean> {
    session.access();
    work(session);
    const kept = await this.#group.run(this.manager.requestCompleted(session));
    session.endAccess();
    return kept;
  }
}
