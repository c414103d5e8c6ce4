// A session in memory, and the base of the sessions that replication keeps (Tomcat: StandardSession).
import type { Clock } from "../../base/index.ts";
import { IllegalStateError } from "../errors.ts";
import type { HttpSession, Session } from "./session.ts";
import { SessionFacade } from "./session-facade.ts";

/** What a session needs of its manager. */
export interface SessionKeeper {
  readonly clock: Clock;
  /** Takes the session out of the manager; called once, while attributes can still be read. */
  sessionExpired(session: StandardSession, notify: boolean): void;
}

/** A new session that holds nothing and whose cookie has not come back lives this long (rule 22): robots send no cookies. */
const UNCLAIMED_MS = 60_000;

/**
 * Subclasses change where attributes live by overriding `loadAttribute`, `storeAttribute`, `dropAttribute`, and when a session
 * is over by overriding `idleTooLong`; protected fields are there for state that arrives from elsewhere.
 */
export class StandardSession implements Session {
  protected readonly keeper: SessionKeeper;
  protected readonly attributes = new Map<string, unknown>();
  protected creationTimeMs: number;
  /** When the running request began, or the last one ended. */
  protected thisAccessedTimeMs: number;
  /** When the request before this one ended. */
  protected lastAccessedTimeMs: number;
  protected maxInactiveIntervalSeconds: number;
  protected newFlag = true;
  protected validFlag = true;
  /** True while `expire` runs: attributes can still be read. */
  protected expiring = false;
  /** Requests that run with this session; while there is one it does not expire. */
  protected activityCount = 0;
  #id: string;
  #unclaimed = false;
  #facade: HttpSession | undefined;

  constructor(keeper: SessionKeeper, id: string, maxInactiveIntervalSeconds: number) {
    const nowMs = keeper.clock.now();
    this.keeper = keeper;
    this.#id = id;
    this.creationTimeMs = nowMs;
    this.thisAccessedTimeMs = nowMs;
    this.lastAccessedTimeMs = nowMs;
    this.maxInactiveIntervalSeconds = maxInactiveIntervalSeconds;
  }

  get id(): string {
    return this.#id;
  }

  /** Renames the session. Only its manager calls this, which also moves it in its table. */
  setId(id: string): void {
    this.#id = id;
  }

  get creationTime(): number {
    this.assertValid("creationTime");
    return this.creationTimeMs;
  }

  get lastAccessedTime(): number {
    this.assertValid("lastAccessedTime");
    return this.lastAccessedTimeMs;
  }

  get isNew(): boolean {
    this.assertValid("isNew");
    return this.newFlag;
  }

  get maxInactiveInterval(): number {
    this.assertValid("maxInactiveInterval");
    return this.maxInactiveIntervalSeconds;
  }

  set maxInactiveInterval(seconds: number) {
    this.assertValid("maxInactiveInterval");
    if (!Number.isInteger(seconds)) throw new RangeError(`maxInactiveInterval takes whole seconds, not "${String(seconds)}"`);
    this.changeMaxInactiveInterval(seconds);
  }

  getAttribute(name: string): unknown {
    this.assertValid("getAttribute");
    return this.loadAttribute(name);
  }

  setAttribute(name: string, value: unknown): void {
    this.assertValid("setAttribute");
    assertName(name);
    if (value === undefined) throw new TypeError(`Session attribute "${name}" cannot be undefined; null removes it`);
    if (value === null) {
      this.dropAttribute(name);
      return;
    }
    this.storeAttribute(name, value);
    this.#unclaimed = false;
  }

  removeAttribute(name: string): void {
    this.assertValid("removeAttribute");
    this.dropAttribute(name);
  }

  getAttributeNames(): string[] {
    this.assertValid("getAttributeNames");
    return [...this.attributes.keys()];
  }

  invalidate(): void {
    this.assertValid("invalidate");
    this.expire(true);
  }

  /** False once expired; looking is what finds out, so a session that idled too long is expired by this call. */
  get valid(): boolean {
    if (this.expiring) return true;
    if (!this.validFlag) return false;
    if (this.activityCount === 0 && this.idleTooLong(this.keeper.clock.now())) this.expire(true);
    return this.validFlag;
  }

  access(): void {
    if (!this.newFlag) this.#unclaimed = false;
    this.thisAccessedTimeMs = this.keeper.clock.now();
    this.activityCount++;
  }

  endAccess(): void {
    this.newFlag = false;
    this.thisAccessedTimeMs = this.keeper.clock.now();
    this.lastAccessedTimeMs = this.thisAccessedTimeMs;
    if (this.activityCount > 0) this.activityCount--;
  }

  expire(notify: boolean): void {
    if (this.expiring || !this.validFlag) return;
    this.expiring = true;
    try {
      this.keeper.sessionExpired(this, notify);
    } finally {
      this.validFlag = false;
      this.expiring = false;
      this.attributes.clear();
    }
  }

  /** Says that no client is known to keep the id yet; ends with the first attribute or when the cookie comes back. */
  markUnclaimed(): void {
    this.#unclaimed = true;
  }

  /** What applications get: HttpSession and nothing else. One object per session, made on first use. */
  get facade(): HttpSession {
    this.#facade ??= new SessionFacade(this);
    return this.#facade;
  }

  /** Seconds that the session has existed, for the manager's statistics; also after its end. */
  aliveSeconds(): number {
    return Math.max(0, Math.round((this.keeper.clock.now() - this.creationTimeMs) / 1000));
  }

  /** The value under a name, or undefined. */
  protected loadAttribute(name: string): unknown {
    return this.attributes.get(name);
  }

  /** Keeps a value that is neither null nor undefined; may throw for one that it cannot keep. */
  protected storeAttribute(name: string, value: unknown): void {
    this.attributes.set(name, value);
  }

  /** Also called for names that are not there. */
  protected dropAttribute(name: string): void {
    this.attributes.delete(name);
  }

  protected changeMaxInactiveInterval(seconds: number): void {
    this.maxInactiveIntervalSeconds = seconds;
  }

  /** Whether a session that no request uses is over at this time (milliseconds since 1970). */
  protected idleTooLong(nowMs: number): boolean {
    const idleMs = nowMs - this.thisAccessedTimeMs;
    if (this.#unclaimed && idleMs >= UNCLAIMED_MS && this.attributes.size === 0) return true;
    return this.maxInactiveIntervalSeconds > 0 && idleMs >= this.maxInactiveIntervalSeconds * 1000;
  }

  protected assertValid(member: string): void {
    if (!this.valid) throw new IllegalStateError(`${member}: the session has been invalidated; getSession() gives a new one`);
  }
}

function assertName(name: unknown): void {
  if (typeof name !== "string") throw new TypeError(`The name of a session attribute is a string, not ${typeof name}`);
}
