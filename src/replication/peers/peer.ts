// One other member, and what it has not got (rules 8 and 11).
import type { Member, MemberKind } from "../../channel/index.ts";
import type { StateSource } from "../state-transfer/state-blocks.ts";

/** What catching up needs of a manager. */
export interface CatchUpSource extends StateSource {
  /** What the session that had this stem is called now; undefined: it has ended. */
  renamedTo(stem: string): { readonly id: string; readonly nameNumber: number } | undefined;
  /** The peer has these sessions as they were when their block was encoded. */
  delivered(stems: readonly string[]): void;
  /** The peer keeps its own copy of this session against the one that it was sent alone. */
  overruled(stem: string): void;
  /** The member is being sent the whole state from here: until it has that, no session is safe with it. */
  isGivenState(member: Member): boolean;
}

/** Members that were cut off are seen again within this time of one another: a few look-ups and heartbeats. */
const LATELY_MS = 60_000;

/**
 * In step: it has acknowledged everything, and gets each change. Behind with a session: it gets nothing of that session until it
 * has been sent whole, so that no change overtakes another. Lagging: it failed in time, and is waited for by nobody until
 * everything it missed has been acknowledged.
 */
export class Peer {
  readonly member: Member;
  /** Whether it is a member of the group now. */
  present = true;
  lagging = false;
  /** Whether it has said hello, or answered one, since it was a member for the first time. */
  met = false;
  /**
   * Until when, of the clock's `monotonic`, it may be one that starts and has yet to ask for the state. -Infinity: it has asked, or has
   * its state, or was a member before this one had its own, so that it may be asked itself.
   */
  newcomerUntilMs: number;
  /** What it began to lag behind as; undefined: not known, or it never did. */
  kind: MemberKind | undefined;
  /** Of the clock's `monotonic`: when it disappeared; undefined while it is present. */
  departedMs: number | undefined;
  #lastDepartedMs = Number.POSITIVE_INFINITY;
  #returnedMs = Number.NEGATIVE_INFINITY;
  /** By source: stem to full id, in the order of the misses. */
  readonly #missed = new Map<CatchUpSource, Map<string, string>>();
  /** Stems among them that requests wait for. */
  readonly #awaited = new Set<string>();
  #inFlight: ReadonlySet<string> = new Set();
  #flightSource: CatchUpSource | undefined;
  #missedCount = 0;

  constructor(member: Member, newcomerUntilMs: number) {
    this.member = member;
    this.newcomerUntilMs = newcomerUntilMs;
  }

  /** How many sessions it has yet to get. */
  get behind(): number {
    return this.#missedCount + this.#inFlight.size;
  }

  get inStep(): boolean {
    return this.present && !this.lagging && this.#missedCount === 0 && this.#inFlight.size === 0;
  }

  returned(nowMs: number): void {
    this.#lastDepartedMs = this.departedMs ?? nowMs;
    this.#returnedMs = nowMs;
    this.present = true;
    this.departedMs = undefined;
  }

  /** When it disappeared, if it was back only a moment ago; Infinity otherwise. */
  absentLatelyMs(nowMs: number): number {
    return nowMs - this.#returnedMs < LATELY_MS ? this.#lastDepartedMs : Number.POSITIVE_INFINITY;
  }

  isBehind(source: CatchUpSource, stem: string): boolean {
    return (this.#flightSource === source && this.#inFlight.has(stem)) || this.#missed.get(source)?.has(stem) === true;
  }

  /** Its copy of this session is not the newest. `id` is what it calls the session. */
  miss(source: CatchUpSource, stem: string, id: string): void {
    let stems = this.#missed.get(source);
    if (stems === undefined) {
      stems = new Map();
      this.#missed.set(source, stems);
    }
    const before = stems.size;
    stems.set(stem, id);
    this.#missedCount += stems.size - before;
  }

  /** A request waits for what becomes of this session, which was missed just now. */
  hurry(stem: string): void {
    this.#awaited.add(stem);
  }

  /** Whether a request has begun to wait for it since the last call. */
  takeAwaited(stem: string): boolean {
    return this.#awaited.delete(stem);
  }

  /** Whoever has its state from another member lacks what that one lacks. */
  missAlso(other: Peer): void {
    for (const [source, ids] of other.#missed) for (const [stem, id] of ids) this.miss(source, stem, id);
    if (other.#flightSource === undefined) return;
    for (const stem of other.#inFlight) this.miss(other.#flightSource, stem, stem);
  }

  /** The source that was missed from first, and the stems of it; undefined: it is behind with nothing. */
  firstMissed(): { readonly source: CatchUpSource; readonly ids: ReadonlyMap<string, string> } | undefined {
    for (const [source, ids] of this.#missed) if (ids.size > 0) return { source, ids };
    return undefined;
  }

  /** These stems are about to be sent. Changes from here on are missed anew. */
  takeOff(source: CatchUpSource, stems: readonly string[]): void {
    this.#flightSource = source;
    this.#inFlight = new Set(stems);
    const missed = this.#missed.get(source);
    for (const stem of stems) if (missed?.delete(stem)) this.#missedCount--;
    if (missed?.size === 0) this.#missed.delete(source);
  }

  /** They have arrived, or not: then they are missed again. */
  land(arrived: boolean, ids: ReadonlyMap<string, string>): void {
    const source = this.#flightSource;
    const stems = this.#inFlight;
    this.#inFlight = new Set();
    this.#flightSource = undefined;
    if (arrived || source === undefined) return;
    for (const stem of stems) this.miss(source, stem, ids.get(stem) ?? stem);
  }

  /** The manager is gone. */
  forget(source: CatchUpSource): void {
    this.#missedCount -= this.#missed.get(source)?.size ?? 0;
    this.#missed.delete(source);
    this.#awaited.clear();
  }
}
