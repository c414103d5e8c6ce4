// The channel: receiver, sender, interceptors (tribes.md 7, 8, 10, 12). Its membership: membership-classes.ts.
import { CLASS_NAMES } from "../class-names.ts";
import type { ClassEntry } from "./entry.ts";
import { boolean, choice, classHistory, history, ignored, integer, later, text, works } from "./entry.ts";
import { BYTES, CLUSTER_LOG } from "./membership-classes.ts";

const TRIBES = "org.apache.catalina.tribes.";
const INTERCEPTORS = `${TRIBES}group.interceptors.`;
const MAX = 2_147_483_647;
const SOCKETS = "sockets and buffers are those of Node.js";
const NO_THREADS = "the channel runs on one event loop, not on threads";
const PORT = "TCP port, the same on every member";

const USE_GCM = 'not supported in this version: use "AES/GCM/NoPadding" on every member';

export const CHANNEL_CLASSES: readonly ClassEntry[] = [
  works("Channel", CLASS_NAMES.groupChannel, {
    heartbeatSleeptime: integer("Ms between two heartbeats of the channel", 100, MAX, { default: 5000 }),
    heartbeat: boolean("Whether the channel beats by itself; false: suspects are not asked again", true),
    optionCheck: boolean("Whether two interceptors that handle messages by the same bits of optionFlag are refused", false),
    ...ignored("there is no JMX", ["name", "jmxEnabled", "jmxDomain", "jmxPrefix"]),
  }),
  works("Receiver", CLASS_NAMES.nioReceiver, {
    address: text('IP address to listen on and to announce; "auto": that of the host name', { default: "auto" }),
    port: integer(PORT, 1, 65_535, { default: 4000 }),
    autoBind: integer("Ports tried upward from port, and from udpPort; 1 or less: only that one", -MAX, 65_535, { default: 100 }),
    securePort: integer("Port that is announced to members, and used by nobody; -1: none", -1, 65_535, { default: -1 }),
    udpPort: integer(
      "UDP port for messages that are sent as datagrams; 0 or less: none are received. DNS does not tell it to others",
      -1,
      65_535,
      { default: -1 },
    ),
    udpRxBufSize: integer("Bytes of the receive buffer of the UDP socket", 1, MAX, { default: 65_536 }),
    udpTxBufSize: integer("Bytes of its send buffer", 1, MAX, { default: 25_188 }),
    maxFrameBytes: integer("Bytes of the largest message that is accepted", 65_536, 1_073_741_824, {
      default: 67_108_864,
      ours: true,
      rule: 6,
    }),
    trustProxiedPeers: boolean("Whether members may connect from another address than they announce, as through a proxy", false, {
      ours: true,
      rule: 20,
    }),
    tcpNoDelay: boolean("TCP_NODELAY of accepted connections", true),
    soKeepAlive: boolean("SO_KEEPALIVE of accepted connections", false),
    ...ignored(NO_THREADS, [
      "maxThreads",
      "minThreads",
      "maxIdleTime",
      "maxTasks",
      "minTasks",
      "selectorTimeout",
      "timeout",
      "daemon",
      "tcpThreadCount",
      "tcpSelectorTimeout",
    ]),
    ...ignored(
      SOCKETS,
      "rxBufSize txBufSize direct ooBInline soReuseAddress soLingerOn soLingerTime soTrafficClass useBufferPool".split(" "),
    ),
    ...history(CLUSTER_LOG, ["doClusterLog", "clusterLogName"]),
  }),
  works("Sender", CLASS_NAMES.replicationTransmitter, {
    ...history(CLUSTER_LOG, ["doClusterLog", "clusterLogName"]),
    ...history("replication is chosen by channelSendOptions of the Cluster and time-outs by the Transport", [
      "replicationMode",
      "ackTimeout",
      "autoConnect",
      "keepAliveTimeout",
    ]),
  }),
  works("Transport", CLASS_NAMES.pooledParallelSender, {
    timeout: integer("Ms for one message to be sent and, where asked, acknowledged", 1, MAX, { default: 3000 }),
    maxRetryAttempts: integer("Resends after an I/O error", 0, 100, { default: 1 }),
    poolSize: integer("Connections to each member; messages of one session keep one of them", 1, 1000, {
      default: 25,
      tomcat: "a message takes whichever connection is free",
      rule: 10,
    }),
    maxQueueBytes: integer("Bytes that may wait for one member; it is sent whole sessions later in place of what is beyond", 65_536, MAX, {
      default: 67_108_864,
      ours: true,
      rule: 11,
    }),
    keepAliveTime: integer("Ms after which a connection is replaced; -1: never", -1, MAX, { default: -1 }),
    keepAliveCount: integer("Messages after which a connection is replaced; -1: never", -1, MAX, { default: -1 }),
    tcpNoDelay: boolean("TCP_NODELAY of connections", true),
    soKeepAlive: boolean("SO_KEEPALIVE of connections", false),
    throwOnFailedAck: boolean("Whether a member that could not process a message counts as one that failed", true, { rule: 12 }),
    udpRxBufSize: integer("Bytes of the receive buffer of UDP sockets", 1, MAX, { default: 25_188 }),
    udpTxBufSize: integer("Bytes of their send buffer", 1, MAX, { default: 65_536 }),
    ...ignored("a message waits in its lane's bounded queue", ["maxWait"]),
    ...ignored("each message says itself whether it is a datagram", ["udpBased"], "debug"),
    ...ignored(
      SOCKETS,
      "rxBufSize txBufSize directBuffer direct ooBInline soReuseAddress soLingerOn soLingerTime soTrafficClass".split(" "),
    ),
  }),
  works("Interceptor", CLASS_NAMES.messageDispatchInterceptor, {
    maxQueueSize: integer("Bytes of queued message bodies", 65_536, MAX, { default: 67_108_864 }),
    alwaysSend: boolean("When the queue is full: true: the sender waits; false: sending fails", true),
    ...ignored(NO_THREADS, ["maxThreads", "maxSpareThreads", "keepAliveTime", "useDeepClone"]),
    ...later({ optionFlag: "8" }),
  }),
  works("Interceptor", CLASS_NAMES.encryptInterceptor, {
    encryptionAlgorithm: choice(
      "How messages are encrypted; the same on every member",
      {
        values: ["AES/GCM/NoPadding", "AES/CBC/PKCS5Padding"],
        later: { "AES/CFB/PKCS5Padding": USE_GCM, "AES/OFB/PKCS5Padding": USE_GCM },
      },
      { default: "AES/GCM/NoPadding" },
    ),
    encryptionKey: text(`The only key; "\${file:PATH}" reads it from a file when the worker starts`, {
      form: {
        pattern: /^\s*([0-9a-fA-F]{32}|[0-9a-fA-F]{48}|[0-9a-fA-F]{64})\s*$/,
        description: "32, 48 or 64 hexadecimal digits (a key of 16, 24 or 32 bytes)",
        secret: true,
      },
    }),
    encryptionKeyDirectory: text(
      'In place of encryptionKey: folder of keys, read again at each heartbeat. Every file "*.key" is accepted; the file "sending" names the one to send with',
      { ours: true, rule: 21 },
    ),
    replayWindowTime: integer("Ms by which a message's time stamp may differ from the own clock", 100, 3_600_000, { default: 10_000 }),
    replayWindowMessageCount: integer("Messages of one sender that are remembered, at most, to refuse copies", 1024, 100_000_000, {
      default: 1_000_000,
      tomcat: "default 8192, of all senders together",
      rule: 21,
    }),
    ...ignored("ciphers are those of Node.js", ["providerName"]),
    ...ignored("every message is encrypted", ["optionFlag"]),
  }),
  works("Interceptor", CLASS_NAMES.domainFilterInterceptor, {
    domain: text("Domain of the members that are taken; members found by DNS have an empty one", {
      default: "",
      form: BYTES,
    }),
    logInterval: integer("Refused messages from one line in the log to the next", 1, MAX, { default: 100 }),
    ...ignored("every message is looked at", ["optionFlag"]),
  }),
  works("Interceptor", CLASS_NAMES.fragmentationInterceptor, {
    maxSize: integer("Bytes: larger messages are sent in pieces of this size", 1024, MAX, { default: 102_400 }),
    expire: integer("Ms that pieces wait for the rest of their message", 1, MAX, { default: 60_000 }),
    optionFlag: integer("Only messages with these bits are sent in pieces; 0: each", 0, MAX, { default: 0 }),
  }),
  works("Interceptor", CLASS_NAMES.gzipInterceptor, {
    optionFlag: integer("Bits by which a member knows a compressed message; the same on every member", 256, MAX, { default: 256 }),
    compressionMinSize: integer("Bytes: larger bodies are compressed", 0, MAX, { default: 0 }),
    statsEnabled: boolean("Whether /cluster and the log tell how much was compressed", false),
    interval: integer("Messages from one line of statistics in the log to the next; 0: none", 0, MAX, { default: 0 }),
  }),
  works("Interceptor", CLASS_NAMES.orderInterceptor, {
    expire: integer(
      "Ms that a message waits for those before it; at most half of the Transport's timeout, so that its sender hears of it",
      1,
      MAX,
      { default: 3000 },
    ),
    forwardExpired: boolean("Whether a message that has waited that long is taken all the same; false: it is refused", true),
    maxQueue: integer("Messages of one sender that wait; with that many none waits any longer", 1, MAX, { default: MAX }),
    optionFlag: integer("Only messages with these bits are numbered, the same on every member; 0: each", 0, MAX, { default: 0 }),
  }),
  works("Interceptor", CLASS_NAMES.nonBlockingCoordinator, ignored("its messages are told by their content", ["optionFlag"])),
  works("Interceptor", CLASS_NAMES.simpleCoordinator, ignored("it sends no messages", ["optionFlag"])),
  works("Interceptor", CLASS_NAMES.staticMembershipInterceptor, {
    optionFlag: integer("Option bits of the messages by which members come and go", 0, MAX, { default: 0 }),
  }),
  works("Interceptor", CLASS_NAMES.tcpFailureDetector, {
    connectTimeout: integer("Ms for the probe's connection", 1, MAX, { default: 1000 }),
    performSendTest: boolean("Whether the probe sends a message", true),
    performReadTest: boolean("Whether the probe waits for an answer", false),
    readTestTimeout: integer("Ms to wait for that answer", 1, MAX, { default: 5000 }),
    removeSuspectsTimeout: integer("Seconds after which a suspect that still answers its probe is no longer watched", 1, MAX, {
      default: 300,
    }),
    ...ignored("probes are told by their content", ["optionFlag"]),
  }),
  works("Interceptor", CLASS_NAMES.tcpPingInterceptor, {
    interval: integer("Ms from one look at all members to the next, with useThread", 1, MAX, { default: 1000 }),
    useThread: boolean("Whether members are looked at each interval; false: with each heartbeat", false),
    optionFlag: integer("Option bits of the message that a member gets where no TcpFailureDetector stands below", 0, MAX, { default: 0 }),
    ...ignored("every member is looked at, as by a Tomcat whose stack has a StaticMembershipInterceptor", ["staticOnly"]),
  }),
  works("Interceptor", CLASS_NAMES.throughputInterceptor, {
    interval: integer("Sent messages, and received ones, from one report in the log to the next", 1, MAX, { default: 10_000 }),
    ...ignored("every message is counted", ["optionFlag"]),
  }),
  works("Interceptor", CLASS_NAMES.twoPhaseCommitInterceptor, {
    expire: integer("Ms that a received message waits for its confirmation", 1, MAX, { default: 60_000 }),
    optionFlag: integer("Only messages with these bits are confirmed, the same on every member; 0: each", 0, MAX, { default: 0 }),
    ...ignored("no layer changes a message in place", ["deepclone"]),
  }),

  classHistory(
    "Interceptor",
    `${INTERCEPTORS}MessageDispatch15Interceptor`,
    "renamed in Tomcat 8.5",
    CLASS_NAMES.messageDispatchInterceptor,
  ),
  classHistory("Transport", `${TRIBES}transport.bio.PooledMultiSender`, "removed in Tomcat 10", CLASS_NAMES.pooledParallelSender),
  classHistory("Receiver", `${TRIBES}transport.bio.BioReceiver`, "removed in Tomcat 10", CLASS_NAMES.nioReceiver),
];
