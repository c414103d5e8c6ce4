// What all managers share: the table of sessions by stem, aliases, ids, limits, the expiry scan, statistics (Tomcat: ManagerBase).
import type { Clock, Logger, Random, Registry, Timer } from "../../base/index.ts";
import { stemOf, withRoute } from "../../protocol/index.ts";
import { TooManySessionsError } from "../errors.ts";
import { HeapGuard } from "./heap-guard.ts";
import type { Manager } from "./manager.ts";
import type { Session } from "./session.ts";
import { SessionMetrics, type SessionStatistics } from "./session-metrics.ts";
import type { SessionKeeper, StandardSession } from "./standard-session.ts";

export interface ManagerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  /** One for all managers of a process; by default the manager makes its own on the V8 heap. */
  readonly heapGuard?: HeapGuard;
}

export interface ManagerOptions {
  /** Host and context path, "localhost#/shop". */
  readonly name: string;
  /** The engine's jvmRoute, which ends every id made here; none: ids are stems. */
  readonly jvmRoute?: string | undefined;
  /** No new session when there are as many; default 100 000 (rule 22); -1: no limit. */
  readonly maxActiveSessions?: number;
  /** maxInactiveInterval of new sessions; default 1800; 0 or less: they never expire. */
  readonly sessionTimeoutSeconds?: number;
  /** Looks for expired sessions in every n-th background run of 10 s; default 6. */
  readonly processExpiresFrequency?: number;
}

/** Sessions by stem: a Map, unless they are kept elsewhere. Walks go on when sessions come and go meanwhile. */
export interface SessionStore<S> extends Iterable<[string, S]> {
  readonly size: number;
  get(stem: string): S | undefined;
  has(stem: string): boolean;
  set(stem: string, session: S): unknown;
  delete(stem: string): boolean;
  clear(): void;
  keys(): IterableIterator<string>;
  values(): IterableIterator<S>;
}

interface Alias {
  /** What the session was called from then on. It may have been renamed again since. */
  readonly stem: string;
  readonly untilMs: number;
}

const SESSION_ID_BYTES = 16;
export const ALIAS_MS = 60_000;
const MAX_ALIASES = 100_000;
/** New names that a session may have got since somebody heard of it. */
const MAX_NAMES = 16;
const DEFAULT_MAX_ACTIVE_SESSIONS = 100_000;
const DEFAULT_SESSION_TIMEOUT_SECONDS = 1800;
const DEFAULT_PROCESS_EXPIRES_FREQUENCY = 6;
/** Sessions looked at in one turn of the event loop. */
const SCAN_SLICE = 2000;

export abstract class ManagerBase<S extends StandardSession = StandardSession> implements Manager, SessionKeeper, SessionStatistics {
  readonly name: string;
  readonly clock: Clock;
  readonly jvmRoute: string | undefined;
  readonly maxActiveSessions: number;
  readonly sessionTimeoutSeconds: number;
  protected readonly logger: Logger;
  /** By stem (rule 16). Change it through `addSession` and `removeSession`, which keep the statistics. */
  protected readonly sessions: SessionStore<S>;
  readonly #processExpiresFrequency: number;
  readonly #random: Random;
  readonly #heapGuard: HeapGuard;
  readonly #metrics: SessionMetrics;
  /** By old stem, oldest first. */
  readonly #aliases = new Map<string, Alias>();
  #backgroundRuns = 0;
  #scan: Timer | undefined;
  #created = 0;
  #expired = 0;
  #rejected = 0;
  #maxActiveSeen = 0;
  #maxAliveSeconds = 0;

  constructor(deps: ManagerDeps, options: ManagerOptions, sessions: SessionStore<S> = new Map()) {
    this.sessions = sessions;
    this.name = options.name;
    this.clock = deps.clock;
    this.jvmRoute = options.jvmRoute;
    this.maxActiveSessions = options.maxActiveSessions ?? DEFAULT_MAX_ACTIVE_SESSIONS;
    this.sessionTimeoutSeconds = options.sessionTimeoutSeconds ?? DEFAULT_SESSION_TIMEOUT_SECONDS;
    this.#processExpiresFrequency = options.processExpiresFrequency ?? DEFAULT_PROCESS_EXPIRES_FREQUENCY;
    this.logger = deps.logger;
    this.#random = deps.random;
    this.#heapGuard = deps.heapGuard ?? new HeapGuard(deps.clock);
    this.#metrics = SessionMetrics.of(deps.registry);
  }

  /** Subclasses call it first. */
  async start(): Promise<void> {
    this.#metrics.add(this);
  }

  /** Ends the scan and forgets the sessions without expiring them: others may keep them. Subclasses call it last. */
  async stop(): Promise<void> {
    this.#scan?.cancel();
    this.#scan = undefined;
    this.#metrics.remove(this);
    this.sessions.clear();
    this.#aliases.clear();
  }

  get activeSessions(): number {
    return this.sessions.size;
  }

  get createdSessions(): number {
    return this.#created;
  }

  get expiredSessions(): number {
    return this.#expired;
  }

  get rejectedSessions(): number {
    return this.#rejected;
  }

  get maxActiveSeen(): number {
    return this.#maxActiveSeen;
  }

  get maxAliveSeconds(): number {
    return this.#maxAliveSeconds;
  }

  findSession(id: string): Session | undefined | Promise<Session | undefined> {
    const session = this.localSession(id);
    return session?.valid ? session : undefined;
  }

  *findSessions(): Iterable<Session> {
    for (const session of this.sessions.values()) if (session.valid) yield session;
  }

  createSession(stem?: string): S {
    this.#checkLimits();
    const id = stem === undefined ? this.generateSessionId() : withRoute(stem, this.jvmRoute);
    const session = this.newSession(id, this.sessionTimeoutSeconds);
    session.markUnclaimed();
    this.addSession(session);
    this.#created++;
    return session;
  }

  changeSessionId(session: Session, newId: string): void {
    const oldStem = stemOf(session.id);
    const known = this.sessions.get(oldStem);
    if (known !== session) return;
    known.setId(newId);
    const newStem = stemOf(newId);
    if (newStem === oldStem) return;
    this.sessions.delete(oldStem);
    this.sessions.set(newStem, known);
    this.addAlias(oldStem, newStem);
  }

  sessionChanged(_session: Session): Promise<void> | undefined {
    return undefined;
  }

  generateSessionId(): string {
    for (;;) {
      const stem = this.#random.bytes(SESSION_ID_BYTES).toString("hex").toUpperCase();
      if (!this.sessions.has(stem) && !this.#aliases.has(stem)) return withRoute(stem, this.jvmRoute);
    }
  }

  /** Every n-th call starts a scan for expired sessions, in slices, unless one still runs. */
  backgroundProcess(): void {
    this.#dropOldAliases(this.clock.now());
    this.#backgroundRuns++;
    if (this.#backgroundRuns % this.#processExpiresFrequency !== 0 || this.#scan !== undefined) return;
    this.#scanSlice(this.sessions.values());
  }

  sessionExpired(session: StandardSession, _notify: boolean): void {
    if (!this.removeSession(session)) return;
    this.#expired++;
    this.#maxAliveSeconds = Math.max(this.#maxAliveSeconds, session.aliveSeconds());
  }

  /** Makes the object only: it is not in the table yet. */
  protected abstract newSession(id: string, maxInactiveIntervalSeconds: number): S;

  /** The session in the table with this stem or alias, valid or not. */
  protected localSession(id: string): S | undefined {
    const session = this.sessions.get(stemOf(id));
    return session !== undefined || this.#aliases.size === 0 ? session : this.sessions.get(this.presentStem(id));
  }

  /** What a session with this stem, or one that it had, is called now; the stem itself where nothing is known of another. */
  protected presentStem(id: string): string {
    let stem = stemOf(id);
    for (let names = 0; names < MAX_NAMES && !this.sessions.has(stem); names++) {
      const alias = this.#aliases.get(stem);
      if (alias === undefined || alias.untilMs <= this.clock.now()) break;
      stem = alias.stem;
    }
    return stem;
  }

  protected addSession(session: S): void {
    this.sessions.set(stemOf(session.id), session);
    if (this.sessions.size > this.#maxActiveSeen) this.#maxActiveSeen = this.sessions.size;
  }

  /** False when another session, or none, has its place in the table. */
  protected removeSession(session: StandardSession): boolean {
    const stem = stemOf(session.id);
    return this.sessions.get(stem) === session && this.sessions.delete(stem);
  }

  /** For 60 s a request with the old stem finds the session. */
  protected addAlias(oldStem: string, newStem: string): void {
    const nowMs = this.clock.now();
    if (this.#aliases.size >= MAX_ALIASES) {
      this.#dropOldAliases(nowMs);
      const oldest = this.#aliases.keys().next();
      if (this.#aliases.size >= MAX_ALIASES && !oldest.done) this.#aliases.delete(oldest.value);
    }
    this.#aliases.delete(oldStem);
    this.#aliases.set(oldStem, { stem: newStem, untilMs: nowMs + ALIAS_MS });
  }

  #checkLimits(): void {
    let reason: string | undefined;
    if (this.maxActiveSessions >= 0 && this.sessions.size >= this.maxActiveSessions) {
      reason = `it has maxActiveSessions="${this.maxActiveSessions}" of them`;
    } else if (this.#heapGuard.full) {
      reason = "85 % of the heap limit is in use; raise --max-old-space-size or the memory limit";
    }
    if (reason === undefined) return;
    this.#rejected++;
    throw new TooManySessionsError(this.name, reason);
  }

  #dropOldAliases(nowMs: number): void {
    for (const [stem, alias] of this.#aliases) {
      if (alias.untilMs > nowMs) break;
      this.#aliases.delete(stem);
    }
  }

  #scanSlice(remaining: Iterator<S>): void {
    this.#scan = undefined;
    for (let looked = 0; looked < SCAN_SLICE; looked++) {
      const next = remaining.next();
      if (next.done) return;
      this.#expireIfIdle(next.value);
    }
    this.#scan = this.clock.setTimeout(() => this.#scanSlice(remaining), 0);
  }

  #expireIfIdle(session: S): void {
    try {
      // Looking is what expires it.
      void session.valid;
    } catch (error) {
      this.logger.error({ err: error, manager: this.name }, "Session could not be expired");
    }
  }
}
