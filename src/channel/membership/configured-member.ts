// A member as a configuration names it (Tomcat: StaticMember).
import type { StaticMemberConfig } from "../../config/index.ts";
import type { Member } from "../channel.ts";
import { InvalidMemberError } from "../errors.ts";
import { byteString } from "../wire/byte-string.ts";
import { addressText } from "../wire/ip-address.ts";
import { createMember } from "../wire/member-block.ts";

/** Throws InvalidMemberError, with the place in the file. */
export function configuredMember({ host, port, securePort, udpPort, domain, uniqueId, location }: StaticMemberConfig): Member {
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
