// The cluster of an Engine or a Host: one channel, and the managers whose sessions it carries (Tomcat: SimpleTcpCluster; ha.md 1).
import type { Clock, Lifecycle, Logger, Registry } from "../base/index.ts";
import {
  type Channel,
  ChannelMetrics,
  fromOptionBits,
  type GroupChannel,
  type Member,
  type MemberKind,
  type MembershipListener,
  type RpcCarrier,
} from "../channel/index.ts";
import type { AttributeValue, ManagerConfig } from "../config/index.ts";
import { type Context, type Manager, type ManagerDeps, managerOptionsOf, StandardManager, type ValveFactory } from "../container/index.ts";
import { ClusterSessionListener } from "./cluster-session-listener.ts";
import { DuplicateManagerError } from "./errors.ts";
import { type PeerDescription, Replicator } from "./peers/replicator.ts";
import { ReplicationMetrics } from "./replication-metrics.ts";
import { BackupManager, type BackupManagerOptions } from "./session/backup-manager.ts";
import type { ClusterManagerBase, ClusterManagerDescription, ClusterManagerOptions } from "./session/cluster-manager-base.ts";
import { DeltaManager } from "./session/delta-manager.ts";
import type { DeltaManagerOptions } from "./session/delta-manager-options.ts";
import type { ManagerCluster } from "./session/manager-cluster.ts";
import type { SessionInventory } from "./session/session-inventory.ts";
import { Standstill } from "./standstill.ts";
import type { JoinerGroup } from "./state-transfer/state-joiner.ts";
import { clusterValveFactories } from "./valves/registry.ts";

/** What a cluster needs of its channel. GroupChannel is one. */
export interface ClusterChannel extends Channel, RpcCarrier {
  /** Members that do not answer. */
  readonly suspects: readonly Member[];
  /** Whether the last definitive answer of the membership contained the local member (rule 5). */
  readonly listsLocalMember: boolean | undefined;
  /** See GroupChannel. A channel whose sends never fail late has none. */
  onSendFailed?: GroupChannel["onSendFailed"];
  readonly hello: {
    kindOf(member: Member): MemberKind | undefined;
    everyMemberAnswered(signal?: AbortSignal): Promise<void>;
    knownToAll(): void;
    beforeAnswer?: GroupChannel["hello"]["beforeAnswer"];
    onMet?: GroupChannel["hello"]["onMet"];
  };
}

export interface SimpleTcpClusterDeps {
  /** Owned by the cluster: started and stopped with it. */
  readonly channel: ClusterChannel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
}

export interface SimpleTcpClusterOptions {
  readonly placement: "Engine" | "Host";
  /** The bits of tribes.md 4: 6 waits for all members, 8 for none. */
  readonly channelSendOptions: number;
  /** For contexts that have no Manager of their own. */
  readonly manager: Pick<ManagerConfig, "type" | "attributes">;
}

export interface ClusterDescription {
  readonly mode: "Synchronous" | "Asynchronous" | "AsynchronousAcknowledged";
  readonly peers: readonly PeerDescription[];
  readonly managers: readonly ClusterManagerDescription[];
}

export class SimpleTcpCluster implements Lifecycle, MembershipListener, ManagerCluster {
  readonly group: JoinerGroup;
  readonly channel: ClusterChannel;
  readonly rpcMetrics: Pick<ChannelMetrics, "rpcCalls">;
  readonly replicator: Replicator;
  readonly metrics: ReplicationMetrics;
  readonly standstill: Standstill;
  /** The valves that a Cluster element may hold, by class name. */
  readonly valveFactories: ReadonlyMap<string, ValveFactory>;
  readonly #clock: Clock;
  readonly #options: SimpleTcpClusterOptions;
  readonly #managers = new Map<string, ClusterManagerBase>();
  readonly #listener: ClusterSessionListener;
  #startsAborted = false;

  constructor(deps: SimpleTcpClusterDeps, options: SimpleTcpClusterOptions) {
    const { channel, clock } = deps;
    const logger = deps.logger.child({ component: "SimpleTcpCluster" });
    this.channel = channel;
    this.rpcMetrics = new ChannelMetrics(deps.registry);
    this.#clock = clock;
    this.#options = options;
    this.metrics = ReplicationMetrics.of(deps.registry);
    this.group = groupOf(channel);
    this.standstill = new Standstill(clock);
    const { acknowledge, asynchronous } = fromOptionBits(options.channelSendOptions);
    this.replicator = new Replicator(
      { channel, clock, logger, metrics: this.metrics, kindOf: (member) => channel.hello.kindOf(member) },
      { acknowledge, asynchronous },
    );
    this.#listener = new ClusterSessionListener({ channel, logger, metrics: this.metrics, managers: this.#managers });
    this.valveFactories = clusterValveFactories(this);
  }

  /** Resolves when the channel runs. Managers are started after it, and stopped before. */
  async start(): Promise<void> {
    this.channel.addChannelListener(this.#listener);
    this.channel.addMembershipListener(this.replicator);
    this.channel.addMembershipListener(this);
    this.channel.hello.beforeAnswer = (member) => this.replicator.broughtUpToDate(member);
    this.channel.hello.onMet = (member, kind, late) => {
      if (kind === "ours") this.replicator.memberMet(member, late);
      else this.#tomcatMet(member);
    };
    this.channel.onSendFailed = (error) => this.replicator.sendFailed(error);
    await this.channel.start();
  }

  async stop(): Promise<void> {
    await this.replicator.settled();
    await this.replicator.stop();
    await this.channel.stop();
    this.channel.removeChannelListener(this.#listener);
    this.channel.removeMembershipListener(this.replicator);
    this.channel.removeMembershipListener(this);
  }

  /** Ends the start of every manager that waits for state, now or later: for a worker that is told to stop before it is ready. */
  abortStarts(): void {
    this.#startsAborted = true;
    for (const manager of this.#managers.values()) manager.abortStart();
  }

  /** SIGTERM: from here on an answer leaves only when every member has acknowledged what its request changed (rule 18). */
  switchToSynchronous(): void {
    this.replicator.switchToSynchronous();
    for (const manager of this.#managers.values()) manager.switchToSynchronous();
  }

  /** A manager for this context as configured: not started. A context that is not distributable keeps its sessions to itself. */
  createManager(context: Context, deps: ManagerDeps): Manager {
    const { type, attributes } = context.defaults.manager ?? this.#options.manager;
    if (type === "Standard" || !context.distributable) return new StandardManager(deps, managerOptionsOf(context, attributes));
    const common = { ...managerOptionsOf(context, attributes), ...commonOptions(attributes), contextName: this.managerName(context) };
    const managerDeps = { ...deps, cluster: this };
    if (type === "Backup") return new BackupManager(managerDeps, { ...common, ...backupOptions(attributes) });
    return new DeltaManager(managerDeps, { ...common, ...deltaOptions(attributes) });
  }

  /** All members have to place the cluster alike, or their managers have different names and never meet. */
  managerName(context: Pick<Context, "name" | "path">): string {
    return this.#options.placement === "Engine" ? context.name : context.path;
  }

  /** Whether this cluster carries the manager's sessions. */
  owns(manager: ClusterManagerBase): boolean {
    return this.#managers.get(manager.contextName) === manager;
  }

  addManager(manager: ClusterManagerBase): void {
    if (this.#managers.has(manager.contextName)) throw new DuplicateManagerError(manager.contextName);
    this.#managers.set(manager.contextName, manager);
    if (this.#managers.size === 1) this.standstill.start();
    if (this.#startsAborted) manager.abortStart();
  }

  removeManager(manager: ClusterManagerBase): void {
    if (!this.owns(manager)) return;
    this.#managers.delete(manager.contextName);
    if (this.#managers.size === 0) this.standstill.stop();
  }

  memberAdded(): void {
    // Nobody is told: a manager asks for its members when it needs them.
  }

  memberDisappeared(member: Member): void {
    for (const manager of this.#managers.values()) manager.memberDisappeared(member);
  }

  #tomcatMet(member: Member): void {
    const reachedUntilMs = this.replicator.reachedUntilMs(member);
    if (reachedUntilMs === Number.POSITIVE_INFINITY) return;
    const sinceMs = this.#clock.now() - (this.#clock.monotonic() - reachedUntilMs);
    for (const manager of this.#managers.values()) manager.tomcatReturned(member, sinceMs);
  }

  /** What the manager of this name holds; undefined: there is none. */
  inventoryOf(contextName: string): SessionInventory | undefined {
    return this.#managers.get(contextName)?.inventory;
  }

  /** For pages. */
  describe(options: { readonly digest?: boolean } = {}): ClusterDescription {
    const { acknowledge, asynchronous } = this.replicator.mode;
    return {
      mode: !asynchronous ? "Synchronous" : acknowledge === "None" ? "Asynchronous" : "AsynchronousAcknowledged",
      peers: this.replicator.describe(),
      managers: [...this.#managers.values()].map((manager) => manager.describe(options)),
    };
  }
}

function groupOf(channel: ClusterChannel): JoinerGroup {
  return {
    get localMember() {
      return channel.localMember;
    },
    get members() {
      return channel.members;
    },
    get suspects() {
      return channel.suspects;
    },
    get listsLocalMember() {
      return channel.listsLocalMember;
    },
    send: (destinations, message, options) => channel.send(destinations, message, options),
    kindOf: (member) => channel.hello.kindOf(member),
    everyMemberAnswered: (signal) => channel.hello.everyMemberAnswered(signal),
    knownToAll: () => channel.hello.knownToAll(),
  };
}

/** Tomcat's attributes of both managers, as far as they mean something here; the next two: of one of them. */
function commonOptions({ recordAllActions }: Readonly<Record<string, AttributeValue>>): Partial<ClusterManagerOptions> {
  return typeof recordAllActions === "boolean" ? { recordAllActions } : {};
}

function backupOptions(attributes: Readonly<Record<string, AttributeValue>>): Partial<BackupManagerOptions> {
  const { mapSendOptions, rpcTimeout, accessTimeout } = attributes;
  return {
    ...(typeof mapSendOptions === "number" ? { asynchronous: fromOptionBits(mapSendOptions).asynchronous } : {}),
    ...(typeof rpcTimeout === "number" ? { rpcTimeoutMs: rpcTimeout } : {}),
    ...(typeof accessTimeout === "number" ? { accessTimeoutMs: accessTimeout } : {}),
  };
}

function deltaOptions(attributes: Readonly<Record<string, AttributeValue>>): Partial<DeltaManagerOptions> {
  const { stateTransferTimeout, expireSessionsOnShutdown } = attributes;
  return {
    ...(typeof stateTransferTimeout === "number" ? { stateTransferTimeoutMs: timeoutMs(stateTransferTimeout) } : {}),
    ...(typeof expireSessionsOnShutdown === "boolean" ? { expireSessionsOnShutdown } : {}),
  };
}

/** 0 and less: a donor may be silent for ever. */
function timeoutMs(seconds: number): number {
  return seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY;
}
