// A channel from its configuration: transport, membership and the configured stack between them.
import type { Clock, Logger, NameResolver, Random, Registry } from "../base/index.ts";
import type { ChannelConfig } from "../config/index.ts";
import { SuidTable } from "../serialization/index.ts";
import { ChannelCoordinator } from "./channel-coordinator.ts";
import { ChannelMetrics } from "./channel-metrics.ts";
import { FrameLog } from "./frame-log.ts";
import { GroupChannel } from "./group-channel.ts";
import { checkOptionFlags } from "./interceptors/option-check.ts";
import { createInterceptors } from "./interceptors/registry.ts";
import { StaticMembershipInterceptor } from "./interceptors/static-membership-interceptor.ts";
import { TcpFailureDetector } from "./interceptors/tcp-failure-detector.ts";
import { MemberMetrics } from "./member-metrics.ts";
import { createMembership } from "./membership/create-membership.ts";
import type { DatagramSockets } from "./membership/group-socket.ts";
import type { Sockets } from "./transport/sockets.ts";
import { TcpReceiver } from "./transport/tcp-receiver.ts";
import { PIPELINE_WINDOW, TcpSender } from "./transport/tcp-sender.ts";

export interface CreateChannelDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly registry: Registry;
  /** Default: the DNS server of the configuration, else those of resolv.conf. */
  readonly resolver?: NameResolver;
  /** Default: those of node:net. */
  readonly sockets?: Sockets;
  /** Of a membership by multicast; default: those of node:dgram. */
  readonly datagrams?: DatagramSockets;
  /** Serial version UIDs of the group's classes; default: those of Tomcat 10.1, and what is learnt from received objects. */
  readonly suids?: SuidTable;
}

/** Not started. Throws UnknownInterceptorError, InterceptorOrderError, EncryptionKeyError and InvalidMemberError. */
export function createChannel(deps: CreateChannelDeps, config: ChannelConfig): GroupChannel {
  const { clock, registry, random } = deps;
  const { trustProxiedPeers } = config.receiver;
  const sockets = deps.sockets === undefined ? {} : { sockets: deps.sockets };
  const metrics = new ChannelMetrics(registry);
  const memberMetrics = new MemberMetrics(registry);
  const component = (name: string) => deps.logger.child({ component: name });
  const { maxFrameBytes } = config.receiver;
  if (config.optionCheck) checkOptionFlags(config.interceptors);
  const sendTimeoutMs = config.sender.timeoutMs;
  const interceptorDeps = { clock, logger: deps.logger, metrics, random, maxFrameBytes, sendTimeoutMs, ...sockets };
  const interceptors = createInterceptors(interceptorDeps, config.interceptors);
  const asksMembers = interceptors.some((interceptor) => interceptor instanceof TcpFailureDetector);
  const configured = interceptors.find((interceptor) => interceptor instanceof StaticMembershipInterceptor);
  const membership = createMembership(
    { ...deps, metrics, asksMembers, channel: () => channel, onMessage: (message) => receiver.onMessage(message) },
    config,
  );
  const isKnown = (address: string) => membership.isKnown(address) || (configured?.isKnown(address) ?? false);
  const receiver: TcpReceiver = new TcpReceiver(
    {
      ...sockets,
      clock,
      registry,
      logger: component("TcpReceiver"),
      admit: (address) => trustProxiedPeers || isKnown(address) || membership.admit(address),
    },
    config.receiver,
  );
  const sender = new TcpSender(
    { ...sockets, clock, registry, members: memberMetrics, logger: component("TcpSender"), localAddress: () => receiver.address },
    config.sender,
  );
  const channel: GroupChannel = new GroupChannel(
    {
      clock,
      metrics,
      random,
      logger: component("GroupChannel"),
      // Through a proxy anybody may connect: who speaks is known by what it announces alone.
      coordinator: new ChannelCoordinator({
        ...{ sender, receiver, membership, memberMetrics },
        frames: new FrameLog({ clock, logger: component("FrameLog") }),
        takesFrom: (address) => !trustProxiedPeers || isKnown(address),
        memberAt: (sender) => configured?.memberAt(sender),
      }),
      interceptors,
      suids: deps.suids ?? new SuidTable(),
    },
    { heartbeatSleepMs: config.heartbeatSleepMs, heartbeat: config.heartbeat },
  );
  // Ours delivers and acknowledges in order; a Tomcat handles later frames of a connection concurrently (rule 10).
  channel.hello.onKind = (member, kind) => {
    if (kind === "ours") sender.setWindow(member, PIPELINE_WINDOW);
  };
  return channel;
}
