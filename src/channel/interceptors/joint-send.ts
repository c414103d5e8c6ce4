// Several sends below a layer that are one for the layers above it: a message in fragments, or one with a number for each member.
import { ChannelError, type FaultyMember } from "../errors.ts";

/** Resolves when all have; rejects when all are settled, with one ChannelError that names each faulty member once. */
export async function jointSend(sends: readonly Promise<void>[]): Promise<void> {
  const failures: unknown[] = [];
  for (const result of await Promise.allSettled(sends)) if (result.status === "rejected") failures.push(result.reason);
  if (failures.length === 0) return;
  const faulty = new Map<string, FaultyMember>();
  for (const failure of failures) {
    if (!(failure instanceof ChannelError)) throw failure;
    for (const one of failure.faultyMembers) if (!faulty.has(one.member.key)) faulty.set(one.member.key, one);
  }
  throw new ChannelError([...faulty.values()]);
}
