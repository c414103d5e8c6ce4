// server.xml as the worker reads it: every attribute typed and with Tomcat's default filled in. Names are Tomcat's, units added.

/** Where an element stands in its file, for errors that come up after parsing. Lines and columns count from 1. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An attribute's value after `${…}` is replaced and the type of its registry entry is applied. */
export type AttributeValue = string | number | boolean;

/** An element whose class a folder resolves in its own registry table: Valve, Interceptor, ClusterListener, Listener. */
export interface ComponentConfig {
  readonly className: string;
  /** Every attribute of the class's registry entry, defaults filled in; absent only where there is no default. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Of a StaticMembershipInterceptor. */
  readonly staticMembers?: StaticMembersConfig;
  readonly location: Location;
}

export interface ServerConfig {
  readonly service: ServiceConfig;
}

export interface ServiceConfig {
  readonly name: string;
  readonly drain: DrainConfig;
  readonly connectors: readonly ConnectorConfig[];
  readonly engine: EngineConfig;
}

/** How a worker leaves (rule 18). */
export interface DrainConfig {
  /** Time without a request after which a draining worker closes its connectors; default 2000. `drainQuietMillis` of ours. */
  readonly quietMs: number;
  /** When it closes them whatever happens; default 20 000. Tomcat: `gracefulStopAwaitMillis` of the Service. */
  readonly deadlineMs: number;
}

export interface ConnectorConfig {
  readonly protocol: "HTTP/1.1";
  /** Unset: all addresses. */
  readonly address?: string;
  readonly port: number;
  /** Time to receive the head of a request; default 60 000; -1: no limit. (Tomcat's own server.xml sets 20 000.) */
  readonly connectionTimeoutMs: number;
  /** Time an idle connection is kept; default connectionTimeout; -1: no limit. */
  readonly keepAliveTimeoutMs: number;
  /** Requests on one connection; default 100; -1: no limit. */
  readonly maxKeepAliveRequests: number;
  /** Bytes of request line and headers; default 8192. */
  readonly maxHttpRequestHeaderSize: number;
  /** Default 8192; -1: no limit. */
  readonly maxConnections: number;
  readonly location: Location;
}

export interface EngineConfig {
  readonly name: string;
  readonly defaultHost: string;
  readonly jvmRoute?: string;
  readonly hosts: readonly HostConfig[];
  readonly valves: readonly ComponentConfig[];
  readonly cluster?: ClusterConfig;
  readonly location: Location;
}

export interface HostConfig {
  readonly name: string;
  readonly aliases: readonly string[];
  /** Folder of applications, relative to the base; default "webapps". */
  readonly appBase: string;
  readonly autoDeploy: boolean;
  readonly deployOnStartup: boolean;
  /** For applications that are deployed without a `<Context>` of their own. Their manager, when unset, is the cluster's or StandardManager. */
  readonly defaultContext: ContextDefaults;
  readonly contexts: readonly ContextConfig[];
  readonly valves: readonly ComponentConfig[];
  readonly cluster?: ClusterConfig;
  readonly location: Location;
}

/** What holds for an application unless it says otherwise itself. */
export interface ContextDefaults {
  /** Undefined: what the application itself says (web.xml <distributable/>, or `tomcatCluster.distributable` of package.json). */
  readonly distributable?: boolean;
  /** Until a session without requests expires; default 1800; 0 or less: never. The <session-timeout> of an application's web.xml wins. */
  readonly sessionTimeoutSeconds: number;
  readonly sessionCookieName: string;
  readonly sessionCookiePath?: string;
  readonly sessionCookieDomain?: string;
  readonly useHttpOnly: boolean;
  /** `sameSiteCookies` of the CookieProcessor; "unset": the attribute is left out. */
  readonly sameSiteCookies: SameSiteCookies;
  readonly manager?: ManagerConfig;
}

export type SameSiteCookies = "unset" | "none" | "lax" | "strict";

export interface ContextConfig extends ContextDefaults {
  /** "" for the root application, else "/shop". */
  readonly path: string;
  /** Folder or archive, relative to the host's appBase. */
  readonly docBase: string;
  readonly valves: readonly ComponentConfig[];
  readonly location: Location;
}

export type ManagerType = "Standard" | "Delta" | "Backup";

export interface ManagerConfig {
  readonly type: ManagerType;
  /** The manager's attributes by Tomcat's names, typed. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly location: Location;
}

export interface ClusterConfig {
  readonly placement: "Engine" | "Host";
  /** The bits 2 (use_ack), 4 (synchronized_ack) and 8 (asynchronous) of tribes.md 4, never none; default 8. */
  readonly channelSendOptions: number;
  /** Default 15: everything. 3: no membership service. */
  readonly channelStartOptions: number;
  readonly clusterName?: string;
  readonly manager: ManagerConfig;
  readonly channel: ChannelConfig;
  /** What stands in the file, or JvmRouteBinderValve and ReplicationValve when none does. */
  readonly valves: readonly ComponentConfig[];
  readonly clusterListeners: readonly ComponentConfig[];
  readonly location: Location;
}

export interface ChannelConfig {
  readonly membership: MembershipConfig;
  readonly receiver: ReceiverConfig;
  readonly sender: SenderConfig;
  /** Top of the stack first. MessageDispatchInterceptor and TcpFailureDetector when none stands in the file. */
  readonly interceptors: readonly ComponentConfig[];
  /** Period of the channel's heartbeat; default 5000. */
  readonly heartbeatSleepMs: number;
  /** Whether there is one; default true. Tomcat: `heartbeat`, or `heartbeatBackgroundEnabled` of the Cluster. */
  readonly heartbeat: boolean;
  /** Refuse interceptors whose `optionFlag`s overlap; default false. */
  readonly optionCheck: boolean;
  readonly location: Location;
}

/** "None": no service, by channelStartOptions; a StaticMembershipInterceptor knows the members. */
export type MembershipConfig = DnsMembershipConfig | MulticastMembershipConfig | StaticMembershipConfig | { readonly type: "None" };

/** CloudMembershipService with the DNS provider. */
export interface DnsMembershipConfig {
  readonly type: "DNS";
  /** Name whose addresses are the members. `dnsName` of ours, else the environment's DNS_MEMBERSHIP_SERVICE_NAME. */
  readonly dnsName: string;
  /** `host:port` of a DNS server, when resolv.conf is not to be asked. */
  readonly dnsServer?: string;
  /** Default 2000 (rule 1). `refreshInterval` of ours. */
  readonly refreshMs: number;
  /** Default 5000. Tomcat: `expirationTime`. */
  readonly expirationMs: number;
  /** One DNS query; default 1000. Tomcat: `readTimeout`. */
  readonly timeoutMs: number;
}

/** McastService, which is also Tomcat's when the file says nothing. */
export interface MulticastMembershipConfig {
  readonly type: "Multicast";
  /** Of the group; with the port it is what makes members one group. */
  readonly address: string;
  readonly port: number;
  /** An address of the interface; unset: the system chooses. */
  readonly bind?: string;
  /** Unset: the system's, which is 1 nearly everywhere: the own network only. */
  readonly ttl?: number;
  /** From one announcement to the next; default 500. Tomcat: `frequency`. */
  readonly frequencyMs: number;
  /** Silence after which a member goes; default 3000. Tomcat: `dropTime`. */
  readonly dropTimeMs: number;
  /** From one look for silent members to the next; default `frequency`. Tomcat: `soTimeout`. */
  readonly soTimeoutMs: number;
  readonly localLoopbackDisabled: boolean;
  readonly recoveryEnabled: boolean;
  readonly recoveryCounter: number;
  /** Tomcat: `recoverySleepTime`. */
  readonly recoverySleepMs: number;
  /** Of the local member: text or bytes as in "{1,-2,3}". */
  readonly domain: string;
  /** The same; of ours. */
  readonly payload: string;
}

/** StaticMembershipService: the members stand in the file, and are asked whether they run. */
export interface StaticMembershipConfig extends StaticMembersConfig {
  readonly type: "Static";
  /** Equal on every member: `<name of the cluster>-Channel-StaticMembership`. */
  readonly membershipName: string;
  /** Silence after which a member goes; default 5000. Tomcat: `expirationTime`. */
  readonly expirationMs: number;
  /** For the connection by which it is seen whether anybody listens; default 500. */
  readonly connectTimeoutMs: number;
  /** For the answers to a ping; default 3000. */
  readonly rpcTimeoutMs: number;
  /** From one ping to the next; undefined: with each heartbeat of the channel. Tomcat: `pingInterval` with `useThread`. */
  readonly pingIntervalMs?: number;
}

export interface StaticMembersConfig {
  /** The local one may be among them, told by its address and port. */
  readonly members: readonly StaticMemberConfig[];
  readonly localMember?: StaticMemberConfig;
}

/** A `Member` or `LocalMember` (StaticMember). */
export interface StaticMemberConfig {
  /** An IP address, or its bytes as in "{10,1,2,3}". */
  readonly host: string;
  readonly port: number;
  /** -1: none. */
  readonly securePort: number;
  /** -1: none. */
  readonly udpPort: number;
  /** Text, a byte for each character, or bytes as in "{1,-2,3}"; default empty. */
  readonly domain: string;
  /** 16 bytes as in "{0,1,…}"; default zeros. */
  readonly uniqueId: string;
  readonly location: Location;
}

export interface ReceiverConfig {
  /** "auto": the address of this machine's host name; else an IP address. */
  readonly address: string;
  readonly port: number;
  /** How many ports to try upward from `port`; default 100; 1: only that one. */
  readonly autoBind: number;
  /** Largest frame that is accepted; default 64 MiB (rule 6). */
  readonly maxFrameBytes: number;
  /** Take messages whose member block names another address than the connection's; default false (rule 20). */
  readonly trustProxiedPeers: boolean;
  readonly tcpNoDelay: boolean;
  readonly soKeepAlive: boolean;
  /** Announced, and nothing else; default -1: none. */
  readonly securePort: number;
  /** First port tried for datagrams, as many as autoBind says; 0 or less (default -1): none are received. */
  readonly udpPort: number;
  /** SO_RCVBUF of the UDP socket, default 65536, and SO_SNDBUF, default 25188. */
  readonly udpRxBufSize: number;
  readonly udpTxBufSize: number;
}

export interface SenderConfig {
  /** Time for one message to be sent and, where asked, acknowledged; default 3000. Tomcat: Transport `timeout`. */
  readonly timeoutMs: number;
  /** Resends after an I/O error; default 1. */
  readonly maxRetryAttempts: number;
  /** Connections (lanes) per destination; default 25. */
  readonly poolSize: number;
  /** Bytes that may wait for one destination; default 64 MiB (rule 11). */
  readonly maxQueueBytes: number;
  /** -1: never. */
  readonly keepAliveTimeMs: number;
  /** -1: never. */
  readonly keepAliveCount: number;
  readonly tcpNoDelay: boolean;
  readonly soKeepAlive: boolean;
  /** Whether FAIL_ACK is a failure; default true (rule 12). */
  readonly throwOnFailedAck: boolean;
  /** SO_RCVBUF of UDP sockets, default 25188, and SO_SNDBUF, default 65536. */
  readonly udpRxBufSize: number;
  readonly udpTxBufSize: number;
}
