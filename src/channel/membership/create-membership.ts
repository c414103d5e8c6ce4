// A membership from its configuration.
import { type Clock, DnsNameResolver, type Logger, type NameResolver, type Random } from "../../base/index.ts";
import type { ChannelConfig, DnsMembershipConfig, MulticastMembershipConfig, StaticMembershipConfig } from "../../config/index.ts";
import type { Channel, ChannelMessage } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { TcpProbe } from "../interceptors/tcp-probe.ts";
import type { RpcCarrier } from "../rpc-carrier.ts";
import type { Sockets } from "../transport/sockets.ts";
import { byteString } from "../wire/byte-string.ts";
import { configuredMembers } from "./configured-member.ts";
import { DnsMembershipService } from "./dns-membership-service.ts";
import type { GroupMembership } from "./group-membership.ts";
import type { DatagramSockets } from "./group-socket.ts";
import { McastService } from "./mcast-service.ts";
import { NoMembershipService } from "./no-membership-service.ts";
import { StaticMembershipService } from "./static-membership-service.ts";

export interface CreateMembershipDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ChannelMetrics;
  readonly random: Random;
  /** The channel that it is for; called from its start on. */
  readonly channel: () => Channel & RpcCarrier;
  /** Takes what members send to the whole group. */
  readonly onMessage: (message: ChannelMessage) => void | Promise<void>;
  /** Default: those of node:dgram. */
  readonly datagrams?: DatagramSockets;
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
    case "Multicast":
      return multicastMembership(deps, membership);
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

function multicastMembership(deps: CreateMembershipDeps, config: MulticastMembershipConfig): GroupMembership {
  return new McastService(
    { ...deps, logger: deps.logger.child({ component: "McastService" }) },
    { ...config, domain: byteString(config.domain), payload: byteString(config.payload) },
  );
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
