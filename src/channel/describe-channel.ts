// A channel as plain data, for pages.
import type { Member } from "./channel.ts";
import type { MemberKind } from "./hello.ts";

export interface MemberDescription {
  readonly name: string;
  readonly uniqueId: string;
  /** `Suspect`: listed, but does not answer; it gets no messages. */
  readonly state: "Alive" | "Suspect";
  /** Undefined until the member has answered a hello. */
  readonly kind: MemberKind | undefined;
  /** Milliseconds since its last message; undefined when it has sent none. */
  readonly lastHeardMs: number | undefined;
}

export interface ChannelDescription {
  /** Undefined while the channel does not run. */
  readonly localMember: string | undefined;
  /** Whether the others can find this one; undefined while nobody could tell. */
  readonly listsLocalMember: boolean | undefined;
  readonly members: readonly MemberDescription[];
}

export function describeMember(
  member: Member,
  state: MemberDescription["state"],
  kind: MemberKind | undefined,
  lastHeardMs: number | undefined,
): MemberDescription {
  return {
    name: member.name,
    uniqueId: member.uniqueId.toString("hex"),
    state,
    kind,
    lastHeardMs: lastHeardMs === undefined ? undefined : Math.round(lastHeardMs),
  };
}
