// The sessions of a BackupManager by stem: those that only this worker has heard of, and those of which its map has the value.
import type { SessionStore } from "../../container/index.ts";
import { stemOf } from "../../protocol/index.ts";
import type { LazyReplicatedMap } from "../map/index.ts";
import type { DeltaSession } from "./delta-session.ts";

export class BackedSessions implements SessionStore<DeltaSession> {
  /** A session is put into the map with its first attribute (rule 22). */
  readonly #unannounced = new Map<string, DeltaSession>();
  readonly #map: () => LazyReplicatedMap<DeltaSession>;

  constructor(map: () => LazyReplicatedMap<DeltaSession>) {
    this.#map = map;
  }

  get size(): number {
    return this.#unannounced.size + this.#map().size;
  }

  get(stem: string): DeltaSession | undefined {
    const unannounced = this.#unannounced.get(stem);
    if (unannounced !== undefined) return unannounced;
    const entry = this.#map().peek(stem);
    return entry === undefined || entry.kind === "Proxy" ? undefined : entry.value;
  }

  /** Also of sessions whose values other members have. */
  has(stem: string): boolean {
    return this.#unannounced.has(stem) || this.#map().peek(stem) !== undefined;
  }

  isUnannounced(session: DeltaSession): boolean {
    return this.#unannounced.get(stemOf(session.id)) === session;
  }

  set(stem: string, session: DeltaSession): void {
    this.#unannounced.set(stem, session);
  }

  /** Of one in the map nothing is deleted: its members have to be told. */
  delete(stem: string): boolean {
    return this.#unannounced.delete(stem) || this.has(stem);
  }

  clear(): void {
    this.#unannounced.clear();
  }

  *keys(): Generator<string> {
    for (const [stem] of this) yield stem;
  }

  *values(): Generator<DeltaSession> {
    for (const [, session] of this) yield session;
  }

  *[Symbol.iterator](): Generator<[string, DeltaSession]> {
    yield* this.#unannounced;
    for (const stem of this.#map().keys()) {
      const session = this.get(stem);
      if (session !== undefined) yield [stem, session];
    }
  }
}
