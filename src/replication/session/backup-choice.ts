// Which member backs a session up: one that is not lost together with the member that serves it, where members say where they run.
import type { Member } from "../../channel/index.ts";
import { type BackupChooser, roundRobin } from "../map/index.ts";

/** Where a member runs; undefined: it does not say. */
interface Place {
  readonly zone: string | undefined;
  readonly node: string | undefined;
}

/**
 * Of a member's payload, such as "zone=eu-1a;node=machine-7" (the Membership's attribute "payload"): other zones before other nodes,
 * those before members of which nothing is known, and the own node last. Among equals as `roundRobin`.
 */
export function apartFirst(localMember: () => Member): BackupChooser {
  const choose = roundRobin();
  return (key, candidates, previous) => {
    const local = placeOf(localMember());
    const ranks = candidates.map((candidate) => rank(local, placeOf(candidate)));
    const best = Math.min(...ranks);
    return choose(
      key,
      candidates.filter((_, index) => ranks[index] === best),
      previous,
    );
  };
}

function rank(one: Place, other: Place): number {
  if (differ(one.zone, other.zone)) return 0;
  if (one.node === undefined || other.node === undefined) return 2;
  return differ(one.node, other.node) ? 1 : 3;
}

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

function placeOf({ payload }: Member): Place {
  const pairs = payload
    .toString()
    .split(";")
    .map((pair) => pair.split("=", 2).map((part) => part.trim()));
  const said = new Map(pairs.map(([name = "", value]) => [name, value]));
  return { zone: said.get("zone") || undefined, node: said.get("node") || undefined };
}
