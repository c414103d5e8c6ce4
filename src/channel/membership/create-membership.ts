// A membership from its configuration.
import { type Clock, DnsNameResolver, type Logger, type NameResolver, type Random } from "../../base/index.ts";
import type { ChannelConfig, DnsMembershipConfig, StaticMembershipConfig } from "../../config/index.ts";
import type { Channel } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { TcpProbe } from "../interceptors/tcp-probe.ts";
import type { RpcCarrier } from "../rpc-carrier.ts";
import type { Sockets } from "../transport/sockets.ts";
import { configuredMembers } from "./configured-member.ts";
import { DnsMembershipService } from "./dns-membership-service.ts";
import type { GroupMembership } from "./group-membership.ts";
import { NoMembershipService } from "./no-membership-service.ts";
import { StaticMembershipService } from "./static-membership-service.ts";

export interface CreateMembershipDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ChannelMetrics;
  readonly random: Random;
  /** The channel that it is for; called from its start on. */
  readonly channel: () => Channel & RpcCarrier;
  /** A TcpFailureDetector asks each member that is said to have gone. */
  readonly asksMembers: boolean;
  /** Default: the DNS server of the configuration, else those of resolv.conf. */
  readonly resolver?: NameResolver;
  /** Default: those of node:net. */
  readonly sockets?: Sockets;
}

/** Throws InvalidMemberError. */
export function createMembership(deps: CreateMembershipDeps, config: Pick<ChannelConfig, "membership" | "receiver">): GroupMembership {
  const { membership } = config;
  switch (membership.type) {
    case "DNS":
      return dnsMembership(deps, membership);
    case "Static":
      return staticMembership(deps, membership, config.receiver);
    case "None":
      return new NoMembershipService(deps);
  }
}

function dnsMembership(deps: CreateMembershipDeps, config: DnsMembershipConfig): GroupMembership {
  const { dnsName, refreshMs, expirationMs } = config;
  const { asksMembers, clock, metrics, resolver = dnsResolver(config) } = deps;
  return new DnsMembershipService(
    { clock, metrics, resolver, logger: deps.logger.child({ component: "DnsMembershipService" }) },
    { dnsName, refreshMs, expirationMs: asksMembers ? 0 : expirationMs },
  );
}

function dnsResolver({ dnsServer, timeoutMs }: DnsMembershipConfig): NameResolver {
  return new DnsNameResolver(dnsServer === undefined ? { timeoutMs } : { timeoutMs, server: dnsServer });
}

function staticMembership(
  deps: CreateMembershipDeps,
  config: StaticMembershipConfig,
  receiver: ChannelConfig["receiver"],
): GroupMembership {
  const { members, localMember, connectTimeoutMs, ...options } = config;
  const listed = localMember === undefined ? { members } : { members, localMember };
  const connection = { connectTimeoutMs, performSendTest: false, performReadTest: false, readTestTimeoutMs: connectTimeoutMs };
  return new StaticMembershipService(
    { ...deps, logger: deps.logger.child({ component: "StaticMembershipService" }), probe: new TcpProbe(deps, connection) },
    { ...options, receiver, ...configuredMembers(listed) },
  );
}
