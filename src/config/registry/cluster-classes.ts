// The cluster: SimpleTcpCluster, its managers, valves and listeners (ha.md 1, 3.1, 8, 9, 10), and what comes later.
import { CLASS_NAMES } from "../class-names.ts";
import { MANAGER_ATTRIBUTES } from "./container-classes.ts";
import type { ClassEntry } from "./entry.ts";
import { boolean, choice, classHistory, classLater, history, ignored, integer, text, typed, works } from "./entry.ts";

const MAX = 2_147_483_647;
const HA = "org.apache.catalina.ha.";
const BLOCKS = "state always travels in acknowledged blocks of at most 1 MiB";

/** Of both managers of a cluster, beside those of any. */
const clusterManagerAttributes = {
  recordAllActions: boolean("Whether every action travels instead of the last one of each attribute", false),
  ...ignored("its counters are on the management port's /metrics", ["enableStatistics"]),
  ...ignored(
    "applications here have no such listeners",
    ["notifyListenersOnReplication", "notifySessionListenersOnReplication", "notifyContainerListenersOnReplication"],
    "debug",
  ),
  ...history("there is no JMX", ["name"]),
};

export const CLUSTER_CLASSES: readonly ClassEntry[] = [
  works("Cluster", CLASS_NAMES.simpleTcpCluster, {
    clusterName: text("Name of the group; unset: the name of the Engine or Host"),
    channelSendOptions: typed("sendOptions", "How session messages are sent", { default: 8 }),
    channelStartOptions: choice(
      "What the channel starts; 15: everything; 3: no membership service, where a StaticMembershipInterceptor lists the members",
      { values: ["15", "3"] },
      { default: "15" },
    ),
    heartbeatBackgroundEnabled: boolean("Whether the channel beats although its heartbeat is false", false),
    ...ignored("there are no life-cycle events", ["notifyLifecycleListenerOnFailure"]),
    ...history("there is no separate cluster log", ["doClusterLog", "clusterLogName"]),
    ...history(
      "it is an attribute of the Manager, the Channel or its Transport today",
      "managerClassName expireSessionsOnShutdown useDirtyFlag replicationMode notifyListenersOnReplication printToScreen protocolStack debug".split(
        " ",
      ),
    ),
  }),
  works(
    "Manager",
    CLASS_NAMES.deltaManager,
    {
      ...MANAGER_ATTRIBUTES,
      expireSessionsOnShutdown: boolean("Whether sessions end on all nodes when this one stops", false),
      stateTransferTimeout: integer("Seconds that a donor may be silent before another one is asked; 0 or less: for ever", -1, MAX, {
        default: 60,
        tomcat: "then it starts without the sessions",
        rule: 6,
      }),
      ...clusterManagerAttributes,
      ...ignored(BLOCKS, ["sendAllSessions", "sendAllSessionsSize", "sendAllSessionsWaitTime"]),
      ...ignored("messages that wait for the state are applied in the order of their arrival, which loses none", ["stateTimestampDrop"]),
      ...history(
        "removed in Tomcat 6 or later",
        "domainReplication sendClusterDomainOnly expireTolerance useDirtyFlag distributable defaultMode updateActiveInterval stateTransferCreateSendTime timeoutAllSession".split(
          " ",
        ),
      ),
    },
    ["Cluster", "Context", "DefaultContext"],
  ),
  works(
    "Manager",
    CLASS_NAMES.backupManager,
    {
      ...MANAGER_ATTRIBUTES,
      ...clusterManagerAttributes,
      mapSendOptions: typed("sendOptions", "asynchronous: no request waits for its session's backup, which acknowledges in any case", {
        default: 6,
        tomcat: "what is lost on its way is not sent again",
        rule: 9,
      }),
      rpcTimeout: integer("Milliseconds until a node that is asked for a session counts as silent", 1, MAX, { default: 15_000 }),
      accessTimeout: integer("Milliseconds without an answer after which a node's sessions go to others", 1, MAX, { default: 5000 }),
      ...ignored("it never starts without knowing the others' sessions", ["terminateOnStartFailure"]),
      ...ignored("only a DeltaManager has it: these sessions live on at their backups", ["expireSessionsOnShutdown"], "warn"),
    },
    ["Cluster", "Context", "DefaultContext"],
  ),
  works(
    "Valve",
    CLASS_NAMES.replicationValve,
    {
      filter: typed("uriFilter", "Requests after which nothing is replicated; what they change goes out with the next other one"),
      durability: choice(
        "What becomes of a request whose changes no other node has: Preferred answers and counts it, Required answers 503",
        { values: ["Preferred", "Required"] },
        { default: "Preferred", ours: true, rule: 8 },
      ),
      primaryIndicator: boolean("Whether a request attribute tells that this node is the session's primary", false),
      primaryIndicatorName: text("Name of that attribute", { default: "org.apache.catalina.ha.tcp.isPrimarySession" }),
      ...ignored("its counters are on the management port's /metrics", ["statistics"]),
      ...history("there is no separate cluster log", ["doClusterLog", "clusterLogName"]),
    },
    ["Cluster"],
  ),
  works(
    "Valve",
    CLASS_NAMES.jvmRouteBinderValve,
    {
      enabled: boolean("Whether sessions get this node's route when it takes them over", true),
      sessionIdAttribute: text("Request attribute with the id before", { default: `${HA}session.JvmRouteOriginalSessionID` }),
    },
    ["Cluster"],
  ),
  works("ClusterListener", CLASS_NAMES.clusterSessionListener, {}),

  classHistory(
    "ClusterListener",
    `${HA}session.JvmRouteSessionIDBinderListener`,
    "removed in Tomcat 8: an id change is a session message of its own",
  ),
  classHistory(
    "Listener",
    `${HA}session.JvmRouteSessionIDBinderLifecycleListener`,
    "removed in Tomcat 7: JvmRouteBinderValve does its work",
  ),
  classHistory(
    "ClusterListener",
    "org.apache.catalina.cluster.session.ClusterSessionListener",
    "renamed in Tomcat 6",
    CLASS_NAMES.clusterSessionListener,
  ),
  classHistory("Valve", "org.apache.catalina.cluster.tcp.ReplicationValve", "renamed in Tomcat 6", CLASS_NAMES.replicationValve),
  classHistory("Manager", "org.apache.catalina.cluster.session.DeltaManager", "renamed in Tomcat 6", CLASS_NAMES.deltaManager),
  classHistory("Cluster", "org.apache.catalina.cluster.tcp.SimpleTcpCluster", "renamed in Tomcat 6", CLASS_NAMES.simpleTcpCluster),

  classLater("Manager", CLASS_NAMES.persistentManager, "use DeltaManager in a Cluster, StandardManager without one"),
  classLater("Context", CLASS_NAMES.replicatedContext, "remove className: sessions are replicated, context attributes are not"),
  classLater("Deployer", `${HA}deploy.FarmWarDeployer`, "put the applications into every worker's appBase"),
  classLater("Valve", `${HA}authenticator.ClusterSingleSignOn`),
  ...[
    "authenticator.SingleSignOn",
    "authenticator.BasicAuthenticator",
    "authenticator.DigestAuthenticator",
    "authenticator.FormAuthenticator",
    "authenticator.SSLAuthenticator",
    "authenticator.SpnegoAuthenticator",
    "authenticator.NonLoginAuthenticator",
    "rewrite.RewriteValve",
    "valves.CrawlerSessionManagerValve",
    "valves.ExtendedAccessLogValve",
    "valves.HealthCheckValve",
    "valves.JDBCAccessLogValve",
    "valves.JsonAccessLogValve",
    "valves.JsonErrorReportValve",
    "valves.LoadBalancerDrainingValve",
    "valves.ParameterLimitValve",
    "valves.PersistentValve",
    "valves.ProxyErrorReportValve",
    "valves.RemoteAddrValve",
    "valves.RemoteCIDRValve",
    "valves.RemoteHostValve",
    "valves.RemoteIpValve",
    "valves.RequestFilterValve",
    "valves.SSLValve",
    "valves.SemaphoreValve",
  ].map((name) => classLater("Valve", `org.apache.catalina.${name}`)),
];
