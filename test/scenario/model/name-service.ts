// The DNS of a simulation: right as a rule, and sometimes late, silent, or wrong.
import type { LookUp, NameResolver, ServiceRecord } from "../../../src/base/index.ts";
import type { MemoryHost } from "../../support/memory-sockets.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { VirtualTime } from "../../support/virtual-time.ts";

/** `Silent`: queries run into their time-out. `Absent`: NXDOMAIN. `Partial`: without `hidden`. `Stale`: addresses of yesterday too. */
export type NameServiceMood = "Right" | "Silent" | "Refusing" | "Absent" | "Partial" | "Stale";

const QUERY_TIMEOUT_MS = 1000;

export class NameService {
  mood: NameServiceMood = "Right";
  /** What a partial answer leaves out. */
  hidden = new Set<string>();
  /** What a stale answer has in addition. */
  stale: readonly string[] = [];
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  /** In the order of their publication. */
  readonly #published = new Set<string>();
  /** By address: the change that counts. */
  readonly #latest = new Map<string, number>();
  #changes = 0;

  constructor(time: VirtualTime, random: SeededRandom) {
    this.#time = time;
    this.#random = random;
  }

  /** The address of a pod appears, or vanishes, after the delay that caches and controllers have; the last call counts. */
  publish(address: string, listed: boolean, delayMs: number): void {
    const change = ++this.#changes;
    this.#latest.set(address, change);
    this.#time.after(delayMs, () => {
      if (this.#latest.get(address) !== change) return;
      if (listed) this.#published.add(address);
      else this.#published.delete(address);
    });
  }

  /** As this process sees it. */
  resolver(host: MemoryHost): NameResolver {
    return {
      addresses: () =>
        new Promise((resolve) => {
          const waitMs = this.mood === "Silent" ? QUERY_TIMEOUT_MS : this.#random.between(1, 20);
          this.#time.after(waitMs, () => {
            const answer = this.#answer();
            host.tell(() => resolve(answer));
          });
        }),
      services: (): Promise<LookUp<ServiceRecord>> => Promise.resolve({ kind: "absent" }),
    };
  }

  #answer(): LookUp<string> {
    if (this.mood === "Silent") return { kind: "unavailable", reason: "ETIMEOUT" };
    if (this.mood === "Refusing") return { kind: "unavailable", reason: "EREFUSED" };
    if (this.mood === "Absent") return { kind: "absent" };
    const addresses = this.#random.shuffled([...this.#published]);
    const shown = this.mood === "Partial" ? addresses.filter((address) => !this.hidden.has(address)) : addresses;
    const records = this.mood === "Stale" ? [...shown, ...this.stale.filter((address) => !shown.includes(address))] : shown;
    return records.length === 0 ? { kind: "absent" } : { kind: "found", records };
  }
}
