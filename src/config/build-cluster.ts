// Checked elements -> ClusterConfig: manager, channel, valves, listeners; Tomcat's default for each that is absent (ha.md 1).
import { buildMembership, buildStaticMembers, type MembershipNames } from "./build-membership.ts";
import { CheckedElement } from "./checked-element.ts";
import { CLASS_NAMES } from "./class-names.ts";
import { defaultAttributes } from "./registry/registry.ts";
import type {
  ChannelConfig,
  ClusterConfig,
  ComponentConfig,
  Location,
  ManagerConfig,
  ManagerType,
  ReceiverConfig,
  SenderConfig,
} from "./server-config.ts";

/**
 * `placement` is the element that it stands in, `containerName` that one's name, `dnsName` the membership's name when the file does not
 * say it.
 */
export function buildCluster(
  cluster: CheckedElement,
  placement: ClusterConfig["placement"],
  containerName: string,
  dnsName: string | undefined,
): ClusterConfig {
  const clusterName = cluster.optionalText("clusterName");
  const channelStartOptions = Number(cluster.text("channelStartOptions"));
  const channel = cluster.first("Channel") ?? absent("Channel", CLASS_NAMES.groupChannel, cluster.location);
  const manager = buildManager(cluster.first("Manager") ?? absent("Manager", CLASS_NAMES.deltaManager, cluster.location));
  return {
    placement,
    channelSendOptions: cluster.integer("channelSendOptions"),
    channelStartOptions,
    ...(clusterName === undefined ? {} : { clusterName }),
    manager,
    channel: buildChannel(channel, {
      ...{ dnsName, channelName: `${clusterName ?? containerName}-Channel` },
      starts: (channelStartOptions & MEMBERSHIP_SERVICES) !== 0,
      beatsInBackground: cluster.boolean("heartbeatBackgroundEnabled"),
    }),
    valves: orDefault(cluster, "Valve", [CLASS_NAMES.jvmRouteBinderValve, CLASS_NAMES.replicationValve]),
    clusterListeners: orDefault(cluster, "ClusterListener", manager.type === "Standard" ? [] : [CLASS_NAMES.clusterSessionListener]),
    location: cluster.location,
  };
}

/** Bits of tribes.md 10. */
const MEMBERSHIP_SERVICES = 12;

const MANAGER_TYPES: Readonly<Record<string, ManagerType>> = {
  [CLASS_NAMES.deltaManager]: "Delta",
  [CLASS_NAMES.backupManager]: "Backup",
};

export function buildManager(manager: CheckedElement): ManagerConfig {
  return {
    type: MANAGER_TYPES[manager.className] ?? "Standard",
    attributes: manager.attributes,
    location: manager.location,
  };
}

export function buildComponents(parent: CheckedElement, element: string): readonly ComponentConfig[] {
  return parent.all(element).map((child) => {
    const { className, attributes, location } = child;
    const component = { className, attributes, location };
    if (className !== CLASS_NAMES.staticMembershipInterceptor) return component;
    return { ...component, staticMembers: buildStaticMembers(child) };
  });
}

function buildChannel(
  channel: CheckedElement,
  { beatsInBackground, ...names }: MembershipNames & { readonly beatsInBackground: boolean },
): ChannelConfig {
  const sender = channel.first("Sender");
  return {
    membership: buildMembership(channel.first("Membership") ?? absent("Membership", CLASS_NAMES.mcastService, channel.location), names),
    receiver: buildReceiver(channel.first("Receiver") ?? absent("Receiver", CLASS_NAMES.nioReceiver, channel.location)),
    sender: buildSender(sender?.first("Transport") ?? absent("Transport", CLASS_NAMES.pooledParallelSender, channel.location)),
    interceptors: orDefault(channel, "Interceptor", [CLASS_NAMES.messageDispatchInterceptor, CLASS_NAMES.tcpFailureDetector]),
    heartbeatSleepMs: channel.integer("heartbeatSleeptime"),
    heartbeat: channel.boolean("heartbeat") || beatsInBackground,
    optionCheck: channel.boolean("optionCheck"),
    location: channel.location,
  };
}

function buildReceiver(receiver: CheckedElement): ReceiverConfig {
  return {
    address: receiver.optionalText("address") ?? "auto",
    port: receiver.integer("port"),
    autoBind: Math.max(1, receiver.integer("autoBind")),
    maxFrameBytes: receiver.integer("maxFrameBytes"),
    trustProxiedPeers: receiver.boolean("trustProxiedPeers"),
    tcpNoDelay: receiver.boolean("tcpNoDelay"),
    soKeepAlive: receiver.boolean("soKeepAlive"),
    securePort: receiver.integer("securePort"),
    udpPort: receiver.integer("udpPort"),
    udpRxBufSize: receiver.integer("udpRxBufSize"),
    udpTxBufSize: receiver.integer("udpTxBufSize"),
  };
}

function buildSender(transport: CheckedElement): SenderConfig {
  return {
    timeoutMs: transport.integer("timeout"),
    maxRetryAttempts: transport.integer("maxRetryAttempts"),
    poolSize: transport.integer("poolSize"),
    maxQueueBytes: transport.integer("maxQueueBytes"),
    keepAliveTimeMs: transport.integer("keepAliveTime"),
    keepAliveCount: transport.integer("keepAliveCount"),
    tcpNoDelay: transport.boolean("tcpNoDelay"),
    soKeepAlive: transport.boolean("soKeepAlive"),
    throwOnFailedAck: transport.boolean("throwOnFailedAck"),
    udpRxBufSize: transport.integer("udpRxBufSize"),
    udpTxBufSize: transport.integer("udpTxBufSize"),
  };
}

/** As soon as one is configured, none of the default ones is added. */
function orDefault(parent: CheckedElement, element: string, classNames: readonly string[]): readonly ComponentConfig[] {
  const configured = buildComponents(parent, element);
  if (configured.length > 0) return configured;
  return classNames.map((className) => ({ className, attributes: defaultAttributes(element, className), location: parent.location }));
}

/** An element that does not stand in the file, with its defaults, at the place of its parent. */
function absent(name: string, className: string, location: Location): CheckedElement {
  return new CheckedElement({
    name,
    className,
    attributes: defaultAttributes(name, className),
    given: new Map(),
    children: [],
    refused: new Set(),
    content: "",
    location,
  });
}
