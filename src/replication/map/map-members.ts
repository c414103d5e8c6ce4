// Which members of the group have this map (tribes.md 14.2).
import type { Clock } from "../../base/index.ts";
import type { Member } from "../../channel/index.ts";

interface Heard {
  readonly member: Member;
  heardMs: number;
  /** It may lack what was told to all: it is told everything again. */
  behind: boolean;
}

/** Without the local member. */
export class MapMembers {
  readonly #clock: Clock;
  readonly #members = new Map<string, Heard>();
  #list: readonly Member[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In the order in which they became known. A snapshot. */
  get list(): readonly Member[] {
    return this.#list;
  }

  has(member: Member): boolean {
    return this.#members.has(member.key);
  }

  /** A sign of life. True: it was not among them. */
  heard(member: Member): boolean {
    const known = this.#members.get(member.key);
    if (known !== undefined) {
      known.heardMs = this.#clock.monotonic();
      return false;
    }
    this.#members.set(member.key, { member, heardMs: this.#clock.monotonic(), behind: false });
    this.#changed();
    return true;
  }

  /** False: it was not among them. */
  delete(member: Member): boolean {
    const deleted = this.#members.delete(member.key);
    if (deleted) this.#changed();
    return deleted;
  }

  /** Something that all should know did not reach these, or may not have. */
  fellBehind(members: readonly Member[]): void {
    for (const member of members) {
      const known = this.#members.get(member.key);
      if (known !== undefined) known.behind = true;
    }
  }

  caughtUp(member: Member): void {
    const known = this.#members.get(member.key);
    if (known !== undefined) known.behind = false;
  }

  get behind(): readonly Member[] {
    return [...this.#members.values()].filter(({ behind }) => behind).map(({ member }) => member);
  }

  /** Those that were not heard of for longer than `ms`. */
  silentFor(ms: number): readonly Member[] {
    const deadlineMs = this.#clock.monotonic() - ms;
    return [...this.#members.values()].filter(({ heardMs }) => heardMs < deadlineMs).map(({ member }) => member);
  }

  clear(): void {
    this.#members.clear();
    this.#changed();
  }

  #changed(): void {
    this.#list = [...this.#members.values()].map(({ member }) => member);
  }
}
