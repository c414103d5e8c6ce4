// A session that records its changes, and takes over those that others made (Tomcat: DeltaSession).
import { asError } from "../../base/index.ts";
import { type SessionKeeper, StandardSession } from "../../container/index.ts";
import { stemOf } from "../../protocol/index.ts";
import { expectBoolean, expectNumber, type JavaValue, javaInteger } from "../../serialization/index.ts";
import { UnreplicableAttributeError } from "../errors.ts";
import type { Kept } from "../peers/kept.ts";
import { DELTA_TYPES, type DeltaAction, DeltaRequest, MAX_INTERVAL_NAME, valueBytes } from "./delta-request.ts";
import { ReplicatedAttribute } from "./replicated-attribute.ts";
import type { SessionState } from "./session-state.ts";

/** What Tomcat's authenticators keep in a session, and what of it travels with its state (ha.md 5). */
const EXPECTED_SESSION_ID_NOTE = "org.apache.catalina.authenticator.SESSION_ID";
const SAVED_REQUEST_NOTE = "org.apache.catalina.authenticator.REQUEST";

/** An idle copy outlives its primary by its own length, so that a primary's last message is in time (ha.md 7). */
const COPY_LIFE_FACTOR = 2;

const NO_LISTENERS: readonly JavaValue[] = [];

/** What a session tells of itself besides HttpSession's members. */
export interface DeltaSessionKeeper extends SessionKeeper {
  /** An attribute was changed in place into something that cannot travel: the others keep what they have. */
  attributeNotReplicable(session: DeltaSession, error: UnreplicableAttributeError): void;
  /** Whether others may have used sessions without this worker having heard of it yet. */
  readonly missesNews: boolean;
}

export interface DeltaSessionOptions {
  readonly recordAllActions: boolean;
}

export class DeltaSession extends StandardSession {
  /** Whether this worker is the last that served it, as far as it knows (ha.md 7). */
  primary = true;
  /** Key of the member that served it last, as far as is known; undefined: this worker, or nobody. */
  servedBy: string | undefined;
  /** Key of the member that the newest change in this copy came from; undefined: it was made here. */
  copiedFrom: string | undefined;
  /** Number of its changes: the higher one wins between copies of ours (rule 11). */
  version = 0;
  /** How often its stem was changed, as far as is known here: of two names that it got, the one with the higher number stays. */
  nameNumber = 0;
  /** A Tomcat changed it last: its versions on other members may be anything. */
  uncounted = false;
  /** Whether the others have been told of it. A session is announced with its first attribute (rule 22). */
  announced = false;
  /** Whether at least one other member has its newest version, or may be assumed to. */
  safe = false;
  /** How often another member's copy won against a change that was made here. */
  overruled = 0;
  /** Of the clock's `monotonic`, when the others last heard of it from here. */
  lastSentMs = Number.NEGATIVE_INFINITY;
  readonly #deltaKeeper: DeltaSessionKeeper;
  readonly #record: DeltaRequest;
  /** Of the id before its first change. */
  #firstStem: string | undefined;
  /** Names of attributes that somebody may be changing in place (rule 14). */
  #watched: Set<string> | undefined;
  /** By name, what undoes the changes that were not sent: what stood there before, or what others have made of it; null: nothing. */
  #unchanged: Map<string, JavaValue> | undefined;
  /** What becomes, or became, of the newest change that was sent while requests run with it. */
  #kept: Kept = true;
  #principal: JavaValue = null;
  #authType: JavaValue = null;
  #notes: Map<string, JavaValue> | undefined;
  #listeners: readonly JavaValue[] = NO_LISTENERS;

  constructor(keeper: DeltaSessionKeeper, id: string, maxInactiveIntervalSeconds: number, options: DeltaSessionOptions) {
    super(keeper, id, maxInactiveIntervalSeconds);
    this.#deltaKeeper = keeper;
    this.#record = new DeltaRequest(options.recordAllActions);
  }

  /** The lane of its messages (rule 10): its first stem, whatever it is called later. */
  get orderKey(): string {
    return this.#firstStem ?? stemOf(this.id);
  }

  /** When it was last used, in milliseconds since 1970; also of an expired one. */
  get lastUsedMs(): number {
    return this.thisAccessedTimeMs;
  }

  get createdMs(): number {
    return this.creationTimeMs;
  }

  /** Seconds; also of an expired one. */
  get maxInactiveSeconds(): number {
    return this.maxInactiveIntervalSeconds;
  }

  /** The authenticated user as a Tomcat described him, inert; null: none. */
  get principal(): JavaValue {
    return this.#principal;
  }

  /** How he was authenticated, a String; null: not. Travels in deltas only. */
  get authType(): JavaValue {
    return this.#authType;
  }

  get inUse(): boolean {
    return this.activityCount > 0;
  }

  /** How many requests run with it. */
  get uses(): number {
    return this.activityCount;
  }

  /** For managers: whether it has neither expired nor been invalidated. Looking does not expire it, as `valid` does. */
  get alive(): boolean {
    return this.validFlag;
  }

  /**
   * Whether the others have what was sent of it since it came into use. Each of its requests has to know, and waits: one that
   * ended before may have taken its changes along (rule 8).
   */
  get kept(): Kept {
    return this.#kept === false && this.safe ? true : this.#kept;
  }

  /** A change was sent. Whoever has it has those before, too: a member that missed one gets none of the next. */
  changeSent(kept: Kept): void {
    const earlier = this.#kept;
    const both = typeof earlier === "boolean" ? kept : Promise.all([earlier, kept]).then(([, newest]) => newest);
    this.#kept = both;
    if (typeof both === "boolean") return;
    void both.then((newest) => {
      if (this.#kept === both) this.#kept = newest;
    });
  }

  override access(): void {
    if (!this.inUse && this.#kept === false) this.#kept = true;
    super.access();
  }

  /** Also moves the note that Tomcat's authenticators compare with the id. */
  override setId(id: string): void {
    const before = this.id;
    super.setId(id);
    if (stemOf(id) !== stemOf(before)) this.#firstStem ??= stemOf(before);
    if (this.#notes?.get(EXPECTED_SESSION_ID_NOTE) !== before) return;
    this.#notes.set(EXPECTED_SESSION_ID_NOTE, id);
    this.#record.set(DELTA_TYPES.Note, EXPECTED_SESSION_ID_NOTE, id);
  }

  /** A member says that it serves it now, whatever its clock says. Undefined: it is known elsewhere which one. */
  touch(memberKey?: string): void {
    this.primary = false;
    this.servedBy = memberKey;
    this.thisAccessedTimeMs = this.keeper.clock.now();
    this.lastAccessedTimeMs = this.thisAccessedTimeMs;
  }

  /** A copy of a session that another member made at `creationTimeMs` of its clock. */
  becomeCopy(creationTimeMs: number): void {
    this.primary = false;
    this.announced = true;
    this.safe = true;
    this.newFlag = false;
    this.creationTimeMs = creationTimeMs;
  }

  /** Whether `takeDelta` has something to tell. */
  get hasChanges(): boolean {
    this.#recordChangesInPlace();
    return this.#record.size > 0 && (this.announced || this.#worthAnnouncing());
  }

  /**
   * What changed since the last call, as the data of a SESSION_DELTA; undefined when nothing did, or when it is not worth
   * telling yet: a session that nobody knows is announced by its first attribute. Raises the version, after a change by a Tomcat
   * above every other one: to the time in milliseconds.
   */
  takeDelta(): Buffer | undefined {
    const { hasChanges } = this;
    if (this.activityCount <= 1) this.#watched?.clear();
    if (!hasChanges) return undefined;
    if (!this.announced && !this.#record.has(MAX_INTERVAL_NAME)) {
      this.#record.set(DELTA_TYPES.MaxInterval, MAX_INTERVAL_NAME, javaInteger(this.maxInactiveIntervalSeconds));
    }
    const delta = this.#record.encode(this.id);
    this.#record.clear();
    this.#unchanged = undefined;
    this.version = this.uncounted ? Math.max(this.version + 1, this.keeper.clock.now()) : this.version + 1;
    this.uncounted = false;
    this.copiedFrom = undefined;
    return delta;
  }

  /** Rule 13: everything but what was changed here since the last send, which stays recorded. */
  applyDelta(actions: readonly DeltaAction[]): void {
    this.#recordChangesInPlace();
    for (const action of actions) {
      if (!this.#record.has(action.name)) this.#apply(action);
      else if (this.#unchanged?.has(action.name)) this.#unchanged.set(action.name, action.remove ? null : (action.value ?? null));
    }
  }

  /** As if what changed here since the last send had not. */
  giveUpChanges(): void {
    this.#recordChangesInPlace();
    this.#record.clear();
    for (const [name, value] of this.#unchanged ?? []) {
      const type = name === MAX_INTERVAL_NAME ? DELTA_TYPES.MaxInterval : DELTA_TYPES.Attribute;
      this.#apply({ type, remove: value === null, name, value });
    }
    this.#unchanged = undefined;
  }

  /** The whole session as it is now, unsent changes included. */
  exportState(): SessionState {
    this.#recordChangesInPlace();
    return {
      id: this.id,
      creationTime: this.creationTimeMs,
      lastAccessedTime: this.lastAccessedTimeMs,
      thisAccessedTime: this.thisAccessedTimeMs,
      maxInactiveInterval: this.maxInactiveIntervalSeconds,
      isNew: this.newFlag,
      isValid: this.validFlag,
      version: this.version,
      principal: this.#principal,
      expectedSessionId: this.#notes?.get(EXPECTED_SESSION_ID_NOTE) ?? null,
      savedRequest: this.#notes?.get(SAVED_REQUEST_NOTE) ?? null,
      attributes: [...this.#replicated()].map(([name, attribute]) => [name, attribute.java] as const),
      listeners: this.#listeners,
    };
  }

  /** Replaces everything but the id and what was changed here since the last send (rules 11 and 13). Requests go on with it. */
  importState(state: SessionState): void {
    this.#recordChangesInPlace();
    this.becomeCopy(state.creationTime);
    this.uncounted = state.version === 0;
    if (!this.uncounted) this.version = state.version;
    this.lastAccessedTimeMs = state.lastAccessedTime;
    this.#importInterval(state.maxInactiveInterval);
    if (!this.inUse) this.thisAccessedTimeMs = this.#plausible(state.thisAccessedTime);
    this.#principal = state.principal;
    this.#importNote(EXPECTED_SESSION_ID_NOTE, state.expectedSessionId);
    this.#importNote(SAVED_REQUEST_NOTE, state.savedRequest);
    this.#listeners = state.listeners;
    for (const name of this.attributes.keys()) if (!this.#record.has(name)) this.attributes.delete(name);
    for (const name of this.#unchanged?.keys() ?? []) if (name !== MAX_INTERVAL_NAME) this.#unchanged?.set(name, null);
    for (const [name, value] of state.attributes) {
      if (!this.#record.has(name)) this.attributes.set(name, ReplicatedAttribute.received(value));
      else this.#unchanged?.set(name, value);
    }
  }

  protected override loadAttribute(name: string): unknown {
    const attribute = this.#attribute(name);
    if (attribute === undefined) return undefined;
    const value = attribute.value;
    if (attribute.changeable) this.#watch(name);
    return value;
  }

  protected override storeAttribute(name: string, value: unknown): void {
    const attribute = this.#convert(name, value);
    this.#remember(name, this.#attribute(name)?.java ?? null);
    this.attributes.set(name, attribute);
    this.#record.set(DELTA_TYPES.Attribute, name, attribute.java);
    if (attribute.changeable) this.#watch(name);
  }

  protected override dropAttribute(name: string): void {
    const before = this.#attribute(name);
    if (!this.attributes.delete(name)) return;
    this.#remember(name, before?.java ?? null);
    this.#watched?.delete(name);
    this.#record.remove(DELTA_TYPES.Attribute, name);
  }

  protected override changeMaxInactiveInterval(seconds: number): void {
    this.#remember(MAX_INTERVAL_NAME, javaInteger(this.maxInactiveIntervalSeconds));
    super.changeMaxInactiveInterval(seconds);
    this.#record.set(DELTA_TYPES.MaxInterval, MAX_INTERVAL_NAME, javaInteger(seconds));
  }

  /** Who has been away must not end for all what others have used meanwhile. */
  protected override idleTooLong(nowMs: number): boolean {
    const lifeMs = this.maxInactiveIntervalSeconds * 1000 * COPY_LIFE_FACTOR;
    const idle = this.primary ? super.idleTooLong(nowMs) : lifeMs > 0 && nowMs - this.thisAccessedTimeMs >= lifeMs;
    return idle && !this.#deltaKeeper.missesNews;
  }

  #attribute(name: string): ReplicatedAttribute | undefined {
    return this.attributes.get(name) as ReplicatedAttribute | undefined;
  }

  #replicated(): Map<string, ReplicatedAttribute> {
    return this.attributes as Map<string, ReplicatedAttribute>;
  }

  /** A clock that differs from ours must not expire a session at once: it has its interval left at least. */
  #plausible(accessedMs: number): number {
    const nowMs = this.keeper.clock.now();
    return Math.min(nowMs, Math.max(accessedMs, nowMs - this.maxInactiveIntervalSeconds * 1000));
  }

  #convert(name: string, value: unknown): ReplicatedAttribute {
    try {
      return ReplicatedAttribute.set(value, this.#attribute(name));
    } catch (error) {
      throw new UnreplicableAttributeError(name, { cause: asError(error) });
    }
  }

  #watch(name: string): void {
    this.#watched ??= new Set();
    this.#watched.add(name);
  }

  #recordChangesInPlace(): void {
    if (this.#watched === undefined) return;
    for (const name of this.#watched) {
      const attribute = this.#attribute(name);
      const before = attribute?.java ?? null;
      try {
        if (!attribute?.refresh()) continue;
        this.#remember(name, before);
        this.#record.set(DELTA_TYPES.Attribute, name, attribute.java);
      } catch (error) {
        this.#watched?.delete(name);
        this.#deltaKeeper.attributeNotReplicable(this, new UnreplicableAttributeError(name, { cause: asError(error) }));
      }
    }
  }

  /** Call it before the change is recorded. */
  #remember(name: string, before: JavaValue): void {
    if (this.#record.has(name)) return;
    this.#unchanged ??= new Map();
    this.#unchanged.set(name, before);
  }

  #importInterval(seconds: number): void {
    if (this.#record.has(MAX_INTERVAL_NAME)) this.#unchanged?.set(MAX_INTERVAL_NAME, javaInteger(seconds));
    else this.maxInactiveIntervalSeconds = seconds;
  }

  #worthAnnouncing(): boolean {
    if (this.attributes.size > 0) return true;
    for (const action of this.#record.actions) if (action.type !== DELTA_TYPES.MaxInterval && !action.remove) return true;
    return false;
  }

  #apply(action: DeltaAction): void {
    const { type, name } = action;
    const value = action.remove ? null : (action.value ?? null);
    switch (type) {
      case DELTA_TYPES.Attribute:
        this.#watched?.delete(name);
        if (value === null) this.attributes.delete(name);
        else this.attributes.set(name, ReplicatedAttribute.received(value));
        break;
      case DELTA_TYPES.Principal:
        this.#principal = value;
        break;
      case DELTA_TYPES.IsNew:
        this.newFlag = value !== null && expectBoolean(value);
        break;
      case DELTA_TYPES.MaxInterval:
        if (value !== null) this.maxInactiveIntervalSeconds = expectNumber(value);
        break;
      case DELTA_TYPES.AuthType:
        this.#authType = value;
        break;
      case DELTA_TYPES.Listener:
        this.#applyListener(action);
        break;
      case DELTA_TYPES.Note:
        this.#importNote(name, value);
        break;
      // A type that a later Tomcat invents is ignored, as Tomcat ignores it.
    }
  }

  /** A listener is removed by its value. */
  #applyListener({ remove, value }: DeltaAction): void {
    if (value === undefined || value === null) return;
    if (remove) this.#listeners = this.#listeners.filter((listener) => !valueBytes(listener).equals(valueBytes(value)));
    else this.#listeners = [...this.#listeners, value];
  }

  #importNote(name: string, value: JavaValue): void {
    if (value === null) this.#notes?.delete(name);
    else {
      this.#notes ??= new Map();
      this.#notes.set(name, value);
    }
  }
}
