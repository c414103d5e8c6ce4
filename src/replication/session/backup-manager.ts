// Every session on two workers, one that serves it and one backup; the others know where it is (Tomcat: BackupManager; ha.md 11).
import { delay } from "../../base/index.ts";
import type { Member } from "../../channel/index.ts";
import { type Session, SessionUnreachableError, type StandardSession, sessionIdHash } from "../../container/index.ts";
import { stemOf } from "../../protocol/index.ts";
import { EntryUnreachableError, LazyReplicatedMap } from "../map/index.ts";
import { changeSessionId, decodeSessionId } from "../message-bodies.ts";
import { SESSION_EVENTS, type SessionMessage } from "../messages.ts";
import { allKept, awaited, type Kept } from "../peers/kept.ts";
import { becomeKnown } from "../state-transfer/become-known.ts";
import { BackedSessions } from "./backed-sessions.ts";
import { apartFirst } from "./backup-choice.ts";
import { ClusterManagerBase, type ClusterManagerDeps, type ClusterManagerOptions } from "./cluster-manager-base.ts";
import { DeltaSession } from "./delta-session.ts";
import { sessionValues } from "./session-values.ts";

export interface BackupManagerOptions extends ClusterManagerOptions {
  /** Default false: a request waits until its changes are with the backup. Their acknowledgement is asked for in any case. */
  readonly asynchronous?: boolean;
  /** For the answer of one member; default 15 000. */
  readonly rpcTimeoutMs?: number;
  /** Without a sign of life for so long, a member is gone for the map; default 5000. */
  readonly accessTimeoutMs?: number;
}

const SUSPECT_CHECK_MS = 500;
const TOLD = { acknowledge: "Processed", asynchronous: false } as const;

export class BackupManager extends ClusterManagerBase {
  /** Each member has other sessions. */
  override readonly inventory = undefined;
  #asynchronous: boolean;
  readonly #map: LazyReplicatedMap<DeltaSession>;
  readonly #store: BackedSessions;
  readonly #stopping = new AbortController();
  #stateTransferred = false;

  constructor(deps: ClusterManagerDeps, options: BackupManagerOptions) {
    const store = new BackedSessions(() => this.#map);
    super(deps, options, store);
    this.#store = store;
    this.#asynchronous = options.asynchronous ?? false;
    const { asynchronous: _, rpcTimeoutMs, accessTimeoutMs, contextName } = options;
    const { channel, group, rpcMetrics } = deps.cluster;
    this.#map = new LazyReplicatedMap<DeltaSession>(
      {
        channel,
        clock: deps.clock,
        logger: deps.logger,
        random: deps.random,
        metrics: rpcMetrics,
        values: sessionValues({
          suids: channel.suids,
          copyOf: (state) => {
            const session = this.newSession(state.id, this.sessionTimeoutSeconds);
            session.importState(state);
            return session;
          },
          isAccessDue: (session) => this.accessDue(session),
          nowMs: () => deps.clock.monotonic(),
        }),
        isOurs: (member) => group.kindOf(member) !== "Tomcat",
        identify: stemOf,
        chooseBackup: apartFirst(() => channel.localMember),
        onMadePrimary: (_stem, session) => {
          session.touch();
          session.primary = true;
        },
      },
      {
        mapId: `${contextName}-map`,
        ...(rpcTimeoutMs === undefined ? {} : { rpcTimeoutMs }),
        ...(accessTimeoutMs === undefined ? {} : { accessTimeoutMs }),
      },
    );
  }

  /** Resolves when this worker knows where the group's sessions are, or is the first one: however long that takes (rules 4 to 6). */
  override async start(): Promise<void> {
    await super.start();
    const { cluster } = this;
    try {
      cluster.addManager(this);
      cluster.metrics.add(this);
      await this.#becomeKnown();
      await this.#map.start();
      this.#stateTransferred = true;
      this.logger.info({ manager: this.name, sessions: this.#map.fullSize }, "Manager knows the group's sessions");
    } catch (error) {
      await this.#leave();
      throw error;
    }
  }

  /** Whoever has the backup of a session of this worker serves it from then on (rule 18). */
  override async stop(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => (session.primary ? this.requestCompleted(session) : true)));
    await this.#map.stop();
    await this.#leave();
  }

  override abortStart(): void {
    this.#stopping.abort();
    this.#map.abortStart();
  }

  override get sessionsAtRisk(): number {
    return this.#map.entriesAtRisk;
  }

  override get stateTransferred(): boolean {
    return this.#stateTransferred;
  }

  /** Messages of a map that starts are applied as they come. */
  override get receivedQueueSize(): number {
    return 0;
  }

  /** A promise where another worker serves the session: it is fetched, and served here from then on. Rejects with SessionUnreachableError. */
  override findSession(id: string): Session | undefined | Promise<Session | undefined> {
    const stem = this.presentStem(id);
    const own = this.#store.get(stem);
    const found = own !== undefined && this.#store.isUnannounced(own) ? own : this.#map.get(stem);
    return found instanceof Promise ? found.then(ifValid, (error: Error) => this.#notFetched(error)) : ifValid(found);
  }

  override switchToSynchronous(): void {
    this.#asynchronous = false;
  }

  override requestCompleted(session: DeltaSession): Kept {
    if (!session.alive) return session.kept;
    const stem = stemOf(session.id);
    if (session.hasChanges) {
      const isNew = this.#store.isUnannounced(session);
      session.changeSent(this.#outcome(stem, isNew ? this.#announce(session) : this.#map.replicate(stem, session)));
    } else if (session.announced && this.accessDue(session)) {
      const told = awaited(this.#outcome(stem, this.#map.replicate(stem, session)));
      return this.#asynchronous ? true : allKept(session.kept, told);
    }
    return this.#asynchronous ? true : session.kept;
  }

  override changeSessionId(session: Session, newId: string): void {
    const oldId = session.id;
    const known = this.sessions.get(stemOf(oldId));
    if (known === undefined || known !== session || oldId === newId) return;
    if (this.#store.isUnannounced(known)) {
      super.changeSessionId(session, newId);
      return;
    }
    known.setId(newId);
    if (stemOf(oldId) !== stemOf(newId)) {
      this.addAlias(stemOf(oldId), stemOf(newId));
      this.#tellNewId(oldId, newId);
    }
    known.changeSent(this.#outcome(stemOf(newId), this.#map.rename(stemOf(oldId), newId)));
  }

  /** A Tomcat's BackupManager looks at no such message; ours learns the new id of a client that still comes with the old one (rule 16). */
  override messageReceived(message: SessionMessage, _sender: Member): void {
    if (message.event !== SESSION_EVENTS.ChangeSessionId || message.sessionId === null || message.data === null) return;
    this.addAlias(stemOf(message.sessionId), stemOf(decodeSessionId(message.data)));
  }

  /** A backup that idled too long is forgotten silently; whatever an application ends, ends everywhere. */
  override sessionExpired(session: StandardSession, notify: boolean): void {
    const stem = stemOf(session.id);
    super.sessionExpired(session, notify);
    if (!(session instanceof DeltaSession) || this.#map.peek(stem) === undefined) return;
    if (session.primary || session.inUse) session.changeSent(this.#outcome(stem, this.#map.remove(stem)));
    else this.#map.drop(stem);
  }

  protected override servedElsewhere(session: DeltaSession): boolean {
    return session.announced && this.#map.peek(stemOf(session.id))?.kind !== "Primary";
  }

  #notFetched(cause: Error): never {
    throw cause instanceof EntryUnreachableError ? new SessionUnreachableError(this.name, { cause }) : cause;
  }

  /** Into the map, unless that is full: then it stays what only this worker has. */
  #announce(session: DeltaSession): Promise<void> {
    const put = this.#map.put(session.id, session);
    const stem = stemOf(session.id);
    if (this.#map.peek(stem) === undefined) return put;
    session.announced = true;
    this.#store.delete(stem);
    return put;
  }

  /** Whether the backup has what was sent. */
  #outcome(stem: string, sent: Promise<unknown>): Promise<boolean> {
    return sent.then(
      () => !this.#map.isAtRisk(stem),
      (error: unknown) => {
        this.logger.error({ err: error, manager: this.name, session: sessionIdHash(stem) }, "Session could not be sent to its backup");
        return false;
      },
    );
  }

  #tellNewId(oldId: string, newId: string): void {
    const { group } = this.cluster;
    const ours = group.members.filter((member) => group.kindOf(member) !== "Tomcat");
    if (ours.length === 0) return;
    const body = changeSessionId(this.contextName, oldId, newId, this.clock.now());
    group.send(ours, { kind: "Object", body }, { ...TOLD, orderKey: stemOf(oldId) }).catch((error: unknown) => {
      this.logger.info({ err: error, manager: this.name }, "Not every member was told the new id of a session");
    });
  }

  /** Who does not answer may be the only one that has sessions (rule 5). */
  async #becomeKnown(): Promise<void> {
    const { group } = this.cluster;
    const { signal } = this.#stopping;
    await becomeKnown(group, this.clock, signal);
    while (group.members.length === 0 && group.suspects.length > 0 && !signal.aborted) {
      await delay(this.clock, SUSPECT_CHECK_MS, signal).catch(() => undefined);
    }
  }

  async #leave(): Promise<void> {
    this.#stopping.abort();
    this.#stateTransferred = false;
    this.cluster.metrics.remove(this);
    this.cluster.removeManager(this);
    await super.stop();
  }
}

function ifValid(session: DeltaSession | undefined): DeltaSession | undefined {
  return session?.valid ? session : undefined;
}
