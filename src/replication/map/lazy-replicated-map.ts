// One backup for each entry; all other members know where it is (Tomcat: LazyReplicatedMap; tribes.md 14.3).
import type { Member } from "../../channel/index.ts";
import { AbstractReplicatedMap } from "./abstract-replicated-map.ts";
import { MAP_EVENTS } from "./map-message.ts";
import type { ReplicatedMapDeps, ReplicatedMapOptions } from "./map-options.ts";
import { type BackupChooser, type MapEntry, roundRobin, without } from "./map-values.ts";

export interface LazyReplicatedMapDeps<V> extends ReplicatedMapDeps<V> {
  /** Default: whoever had the value before, else one member after the other. */
  readonly chooseBackup?: BackupChooser;
}

export class LazyReplicatedMap<V> extends AbstractReplicatedMap<V> {
  readonly #chooseBackup: BackupChooser;

  constructor(deps: LazyReplicatedMapDeps<V>, options: ReplicatedMapOptions) {
    super(deps, options, {
      held: { kind: "Backup", event: MAP_EVENTS.Backup },
      state: { event: MAP_EVENTS.State, item: MAP_EVENTS.Proxy },
    });
    this.#chooseBackup = deps.chooseBackup ?? roundRobin();
  }

  /** To one member after the other until one has taken it; then the rest hear who it is. */
  protected override sendWhole(entry: MapEntry<V>): Promise<boolean> {
    return this.claims.contested(entry, () => this.#publish(entry));
  }

  async #publish(entry: MapEntry<V>): Promise<boolean> {
    const { link, localMember, members } = this.body;
    const { key, name } = entry;
    const previous = entry.nodes;
    let candidates = members.list;
    while (candidates.length > 0) {
      const backup = this.#chooseBackup(key, candidates, previous);
      if (backup === undefined) break;
      const nodes = [backup];
      candidates = without(candidates, nodes);
      const value = this.writeWhole(entry);
      const faulty = await link.tell(nodes, MAP_EVENTS.Backup, { key: name, value, primary: localMember, nodes });
      if (!(await this.isServedStill(entry, nodes))) return true;
      // Gone since it was asked: it would be a backup in name only.
      if (faulty.length > 0 || !members.has(backup)) continue;
      entry.nodes = nodes;
      await this.claims.tellRest(entry);
      return true;
    }
    entry.nodes = [];
    entry.whole = true;
    return false;
  }

  /** Whoever has no backup may have one now. */
  protected override memberCame(_member: Member, entry: MapEntry<V>): void {
    if (entry.nodes.length === 0) this.body.sender.later(entry);
  }
}
