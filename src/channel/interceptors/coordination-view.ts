// A view of a group: who belongs to it and, being the first, leads it. (The stack's floor is ChannelCoordinator.)
import type { Member } from "../channel.ts";
import type { CoordinationDescription } from "../describe-channel.ts";
import { compareAbsoluteOrder } from "../wire/member-block.ts";

/** Each once, in absolute order: the same on every member that knows the same others. */
export function inAbsoluteOrder(members: Iterable<Member>): readonly Member[] {
  const byKey = new Map<string, Member>();
  for (const member of members) if (!byKey.has(member.key)) byKey.set(member.key, member);
  return [...byKey.values()].sort(compareAbsoluteOrder);
}

/** Of two that are in absolute order. */
export function isSameView(one: readonly Member[], other: readonly Member[]): boolean {
  return one.length === other.length && one.every((member, index) => member.key === other[index]?.key);
}

/** `local` is asked only where there is a view: before the channel starts there is neither. */
export function describeView(view: readonly Member[], local: () => Member, viewId: Buffer | undefined): CoordinationDescription {
  return {
    coordinator: view[0]?.name,
    isCoordinator: view[0] !== undefined && view[0].key === local().key,
    view: view.map((member) => member.name),
    viewId: viewId?.toString("hex"),
  };
}
