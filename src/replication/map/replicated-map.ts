// Every member has a copy of each entry (Tomcat: ReplicatedMap; tribes.md 14.3).
import type { Member } from "../../channel/index.ts";
import { AbstractReplicatedMap } from "./abstract-replicated-map.ts";
import { MAP_EVENTS } from "./map-message.ts";
import type { ReplicatedMapDeps, ReplicatedMapOptions } from "./map-options.ts";
import { includes, type MapEntry, without } from "./map-values.ts";

export class ReplicatedMap<V> extends AbstractReplicatedMap<V> {
  constructor(deps: ReplicatedMapDeps<V>, options: ReplicatedMapOptions) {
    super(deps, options, {
      held: { kind: "Copy", event: MAP_EVENTS.Copy },
      state: { event: MAP_EVENTS.StateCopy, item: MAP_EVENTS.Copy },
    });
  }

  /** To all at once; who does not take it is told again with the next ping. */
  protected override async sendWhole(entry: MapEntry<V>): Promise<boolean> {
    const { link, localMember, members } = this.body;
    const { name } = entry;
    const nodes = members.list;
    if (nodes.length > 0) {
      const value = this.writeWhole(entry);
      const faulty = (await link.tell(nodes, MAP_EVENTS.Copy, { key: name, value, primary: localMember, nodes })).map(
        ({ member }) => member,
      );
      if (!(await this.isServedStill(entry, nodes))) return true;
      members.fellBehind(faulty);
      entry.nodes = without(nodes, faulty).filter((node) => members.has(node));
      if (entry.nodes.length > 0) return true;
    }
    entry.nodes = [];
    entry.whole = true;
    return false;
  }

  /** It gets the entry with the state; changes go to it from now on. */
  protected override memberCame(member: Member, entry: MapEntry<V>): void {
    if (entry.nodes.length === 0) this.body.sender.later(entry);
    else if (!includes(entry.nodes, member)) entry.nodes = [...entry.nodes, member];
  }
}
