// Several sends below a layer that are one for the layers above it: a message in fragments, or one with a number for each member.
import { ChannelError, type FaultyMember } from "../errors.ts";

/** Resolves when all have; rejects when all are settled, with one ChannelError that names each faulty member once. */
export async function jointSend(sends: readonly Promise<void>[]): Promise<void> {
  const failures: unknown[] = [];
  for (const result of await Promise.allSettled(sends)) if (result.status === "rejected") failures.push(result.reason);
  if (failures.length > 0) throw jointError(failures);
}

/** One ChannelError that names each faulty member once; the first failure that is none, where there is one. */
export function jointError(failures: readonly unknown[]): unknown {
  const faulty = new Map<string, FaultyMember>();
  for (const failure of failures) {
    if (!(failure instanceof ChannelError)) return failure;
    for (const one of failure.faultyMembers) if (!faulty.has(one.member.key)) faulty.set(one.member.key, one);
  }
  return new ChannelError([...faulty.values()]);
}
