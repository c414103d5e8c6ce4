// What managers have in common whose sessions others keep too (Tomcat: ClusterManagerBase).
import type { Member } from "../../channel/index.ts";
import {
  ManagerBase,
  type ManagerDeps,
  type ManagerOptions,
  type Session,
  type SessionStore,
  sessionIdHash,
} from "../../container/index.ts";
import type { MessageTaker } from "../cluster-session-listener.ts";
import type { UnreplicableAttributeError } from "../errors.ts";
import type { SessionMessage } from "../messages.ts";
import type { Kept } from "../peers/kept.ts";
import type { ReplicationStatistics } from "../replication-metrics.ts";
import { DeltaSession, type DeltaSessionKeeper } from "./delta-session.ts";
import type { ManagerCluster } from "./manager-cluster.ts";
import type { SessionInventory } from "./session-inventory.ts";

export interface ClusterManagerDeps extends ManagerDeps {
  readonly cluster: ManagerCluster;
}

export interface ClusterManagerOptions extends ManagerOptions {
  /** The name on the wire: "localhost#/app" with the cluster in an Engine, "/app" in a Host. */
  readonly contextName: string;
  /** Default false: of several changes of one attribute only the last travels. */
  readonly recordAllActions?: boolean;
}

/** For pages. */
export interface ClusterManagerDescription {
  readonly contextName: string;
  /** Those whose attributes are here. */
  readonly sessions: number;
  readonly primarySessions: number;
  readonly sessionsAtRisk: number;
  readonly stateTransferred: boolean;
  readonly receivedQueueSize: number;
  /** Undefined unless asked for, since it encodes every session, and where each member has other sessions (SessionInventory). */
  readonly digest: string | undefined;
}

/** The others hear of a session that is only read after this part of its interval, far before their copies expire (ha.md 7). */
const ACCESS_MESSAGE_SHARE = 1 / 4;

export abstract class ClusterManagerBase
  extends ManagerBase<DeltaSession>
  implements DeltaSessionKeeper, MessageTaker, ReplicationStatistics
{
  readonly contextName: string;
  /** What every member has alike; undefined: each has other sessions. */
  abstract readonly inventory: SessionInventory | undefined;
  abstract readonly sessionsAtRisk: number;
  abstract readonly receivedQueueSize: number;
  abstract readonly stateTransferred: boolean;
  protected readonly cluster: ManagerCluster;
  readonly #recordAllActions: boolean;

  constructor(deps: ClusterManagerDeps, options: ClusterManagerOptions, sessions?: SessionStore<DeltaSession>) {
    super(deps, options, sessions);
    this.contextName = options.contextName;
    this.cluster = deps.cluster;
    this.#recordAllActions = options.recordAllActions ?? false;
  }

  get missesNews(): boolean {
    return this.cluster.standstill.missesNews;
  }

  /** Whoever chooses ids may use one again: the session that has it then has to count as newer than one that had it before. */
  override createSession(stem?: string): DeltaSession {
    const session = super.createSession(stem);
    if (stem !== undefined) session.version = this.clock.now();
    return session;
  }

  override sessionChanged(session: Session): Promise<void> | undefined {
    if (!(session instanceof DeltaSession)) return undefined;
    const kept = this.requestCompleted(session);
    return kept instanceof Promise ? kept.then(() => undefined) : undefined;
  }

  /**
   * The application has ended its answer: sends what the request changed, and tells whether another member has it. The last bytes
   * may leave when that is known (rules 7 to 9).
   */
  abstract requestCompleted(session: DeltaSession): Kept;

  /**
   * The client went away before the application had ended its answer; it has asked again elsewhere, or knows that it failed. If another
   * member has served the session since, what this request changed must not overwrite what that one answered: it is given up, unless
   * other requests run with the session here. `uses`: how often this request counts among those.
   */
  requestAbandoned(session: DeltaSession, { uses }: { readonly uses: 0 | 1 }): Kept {
    if (!session.alive || !this.servedElsewhere(session) || session.uses > uses) return this.requestCompleted(session);
    session.giveUpChanges();
    return true;
  }

  /** The request was not replicated; its changes go with the next one that is (ha.md 9), but for the end of the session. */
  requestSkipped(session: DeltaSession): Kept {
    return session.alive ? true : session.kept;
  }

  /** From the cluster. Throws what refuses the message, so that its sender learns of it (rule 12). */
  abstract messageReceived(message: SessionMessage, sender: Member): void;

  /** A manager may have asked the member for something. */
  memberDisappeared(_member: Member): void {
    // Nobody was asked.
  }

  /** See ReturnedTomcats. */
  tomcatReturned(_member: Member, _reachedUntilMs: number): void {
    // It tells what it has by itself.
  }

  /** Ends a start that waits for state; `start` then rejects. Does nothing afterwards. */
  abstract abortStart(): void;

  /** From here on no request's answer leaves before others have what it changed (rule 18). */
  switchToSynchronous(): void {
    // The replicator does it for those that publish through it.
  }

  attributeNotReplicable(session: DeltaSession, error: UnreplicableAttributeError): void {
    this.cluster.metrics.unreplicableAttributes.inc();
    const fields = { err: error, manager: this.name, session: sessionIdHash(session.id) };
    this.logger.error(fields, "Attribute was changed into something that cannot travel");
  }

  /** For pages. The digest only on demand: it keeps the event loop while it encodes every session. */
  describe(options: { readonly digest?: boolean } = {}): ClusterManagerDescription {
    let primarySessions = 0;
    for (const session of this.sessions.values()) if (session.primary) primarySessions++;
    return {
      contextName: this.contextName,
      sessions: this.sessions.size,
      primarySessions,
      sessionsAtRisk: this.sessionsAtRisk,
      stateTransferred: this.stateTransferred,
      receivedQueueSize: this.receivedQueueSize,
      digest: options.digest ? this.inventory?.digestAtOnce() : undefined,
    };
  }

  /** Whether another member has served it since this one did. */
  protected abstract servedElsewhere(session: DeltaSession): boolean;

  protected accessDue(session: DeltaSession): boolean {
    const intervalMs = session.maxInactiveSeconds * 1000;
    return intervalMs > 0 && this.clock.monotonic() - session.lastSentMs >= intervalMs * ACCESS_MESSAGE_SHARE;
  }

  protected override newSession(id: string, maxInactiveIntervalSeconds: number): DeltaSession {
    return new DeltaSession(this, id, maxInactiveIntervalSeconds, { recordAllActions: this.#recordAllActions });
  }
}
