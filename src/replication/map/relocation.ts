// A member has left: who serves its entries now, and who backs up those that it backed up (tribes.md 14.4).
import { compareAbsoluteOrder, type Member } from "../../channel/index.ts";
import type { MapBody } from "./map-body.ts";
import type { MapEntry } from "./map-values.ts";

/**
 * Goes through all entries at once, and leaves what has to be sent to the sender's `drain`. An entry whose primary is gone has one heir,
 * the same in the view of all: the first of its nodes that is left; of copies that name nobody, the first member in absolute order.
 */
export function relocate<V>(body: MapBody<V>, lost: Member): void {
  for (const entry of body.entries.values()) {
    const hadValue = entry.nodes.some(({ key }) => key === lost.key);
    if (hadValue) entry.nodes = entry.nodes.filter(({ key }) => key !== lost.key);
    if (entry.kind === "Primary") {
      if (hadValue) lostNode(body, entry);
      continue;
    }
    if (entry.primary?.key === lost.key) entry.primary = undefined;
    if (entry.primary === undefined) lostPrimary(body, entry);
  }
}

function lostNode<V>(body: MapBody<V>, entry: MapEntry<V>): void {
  entry.untold = true;
  body.sender.later(entry, { whole: entry.nodes.length === 0 });
}

function lostPrimary<V>(body: MapBody<V>, entry: MapEntry<V>): void {
  const { localMember, members } = body;
  const isLocal = (member: Member) => member.key === localMember.key;
  const left = entry.nodes.filter((node) => isLocal(node) || members.has(node));
  const heir =
    left[0] ?? (entry.kind === "Copy" ? [localMember, ...members.list].sort(compareAbsoluteOrder)[0] : valueHere(entry, localMember));
  if (heir === undefined) {
    body.entries.delete(entry.key);
    return;
  }
  if (!isLocal(heir) || entry.value === undefined) return;
  entry.kind = "Primary";
  entry.primary = localMember;
  entry.nodes = left.slice(1);
  // What the old primary sent last may not have reached everybody.
  body.sender.later(entry, { whole: true });
  body.madePrimary(entry);
}

/** Own changes of an entry that somebody else had taken over. */
function valueHere<V>(entry: MapEntry<V>, localMember: Member): Member | undefined {
  return entry.value === undefined ? undefined : localMember;
}
