// Makes a member that joins known to all others before it asks for state (rule 4).
import { type Clock, delay } from "../../base/index.ts";
import type { JoinerGroup } from "./state-joiner.ts";

const RETRY_MS = 500;

/**
 * An answer of the membership without this member is older than this member: others may be missing from it too. Resolves when the signal
 * is aborted, or when all know this member.
 */
export async function becomeKnown(group: JoinerGroup, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    const listed = group.listsLocalMember === true;
    await group.everyMemberAnswered(signal).catch(() => undefined);
    if (listed) group.knownToAll();
    if (listed || signal.aborted) return;
    await delay(clock, RETRY_MS, signal).catch(() => undefined);
  }
}
