// A member as a configuration names it (Tomcat: StaticMember).
import type { StaticMemberConfig, StaticMembersConfig } from "../../config/index.ts";
import type { Member } from "../channel.ts";
import { InvalidMemberError } from "../errors.ts";
import { byteString } from "../wire/byte-string.ts";
import { addressText } from "../wire/ip-address.ts";
import { createMember } from "../wire/member-block.ts";

export interface ConfiguredMembers {
  readonly members: readonly Member[];
  /** Default: the one of `members` that listens where the receiver does. */
  readonly localMember?: Member;
}

/** Throws InvalidMemberError, with the place in the file. */
export function configuredMembers({ members, localMember }: StaticMembersConfig): ConfiguredMembers {
  const local = localMember === undefined ? {} : { localMember: configuredMember(localMember) };
  return { members: members.map(configuredMember), ...local };
}

function configuredMember({ host, port, securePort, udpPort, domain, uniqueId, location }: StaticMemberConfig): Member {
  try {
    const address = host.startsWith("{") ? addressText(byteString(host)) : host;
    return createMember({ address, port, securePort, udpPort, domain: byteString(domain), uniqueId: byteString(uniqueId) });
  } catch (error) {
    if (!(error instanceof InvalidMemberError)) throw error;
    throw new InvalidMemberError(`${location.file}:${location.line}:${location.column}: ${error.message}`, { cause: error });
  }
}

/** Where a member listens: by this alone it is told from the others of a configuration. */
export function placeOf({ address, port }: Pick<Member, "address" | "port">): string {
  return `${address}/${port}`;
}
