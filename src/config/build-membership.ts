// A checked <Membership> -> MembershipConfig.
import type { CheckedElement } from "./checked-element.ts";
import { CLASS_NAMES } from "./class-names.ts";
import type { MembershipConfig, MulticastMembershipConfig, StaticMemberConfig, StaticMembersConfig } from "./server-config.ts";

/** What the element itself does not say. */
export interface MembershipNames {
  /** The environment's, for where the file gives none. */
  readonly dnsName: string | undefined;
  /** As a Tomcat's cluster names its channel. */
  readonly channelName: string;
  /** Whether a membership service is started: bits 4 and 8 of channelStartOptions. */
  readonly starts: boolean;
}

export function buildMembership(membership: CheckedElement, { dnsName, channelName, starts }: MembershipNames): MembershipConfig {
  if (!starts) return { type: "None" };
  if (membership.className === CLASS_NAMES.staticMembershipService) {
    return {
      type: "Static",
      membershipName: `${channelName}-StaticMembership`,
      ...buildStaticMembers(membership),
      expirationMs: membership.integer("expirationTime"),
      connectTimeoutMs: membership.integer("connectTimeout"),
      rpcTimeoutMs: membership.integer("rpcTimeout"),
      ...(membership.boolean("useThread") ? { pingIntervalMs: membership.integer("pingInterval") } : {}),
    };
  }
  if (membership.className === CLASS_NAMES.mcastService) return buildMulticast(membership);
  const dnsServer = membership.optionalText("dnsServer");
  return {
    type: "DNS",
    dnsName: membership.optionalText("dnsName") ?? dnsName!,
    ...(dnsServer === undefined ? {} : { dnsServer }),
    refreshMs: membership.integer("refreshInterval"),
    expirationMs: membership.integer("expirationTime"),
    timeoutMs: membership.integer("readTimeout"),
  };
}

function buildMulticast(membership: CheckedElement): MulticastMembershipConfig {
  const bind = membership.optionalText("bind");
  const ttl = membership.optionalInteger("ttl");
  const frequencyMs = membership.integer("frequency");
  return {
    type: "Multicast",
    address: membership.text("address"),
    port: membership.integer("port"),
    ...(bind === undefined ? {} : { bind }),
    ...(ttl === undefined ? {} : { ttl }),
    frequencyMs,
    dropTimeMs: membership.integer("dropTime"),
    soTimeoutMs: membership.optionalInteger("soTimeout") ?? frequencyMs,
    localLoopbackDisabled: membership.boolean("localLoopbackDisabled"),
    recoveryEnabled: membership.boolean("recoveryEnabled"),
    recoveryCounter: membership.integer("recoveryCounter"),
    recoverySleepMs: membership.integer("recoverySleepTime"),
    domain: membership.text("domain"),
    payload: membership.text("payload"),
  };
}

/** Of a StaticMembershipService, or of a StaticMembershipInterceptor. */
export function buildStaticMembers(parent: CheckedElement): StaticMembersConfig {
  const localMember = parent.first("LocalMember");
  return {
    members: parent.all("Member").map(buildMember),
    ...(localMember === undefined ? {} : { localMember: buildMember(localMember) }),
  };
}

function buildMember(member: CheckedElement): StaticMemberConfig {
  return {
    host: member.text("host"),
    port: member.integer("port"),
    securePort: member.integer("securePort"),
    udpPort: member.integer("udpPort"),
    domain: member.text("domain"),
    uniqueId: member.text("uniqueId"),
    location: member.location,
  };
}
