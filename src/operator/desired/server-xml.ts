// TomcatCluster -> the workers' server.xml: one text for all pods; what differs comes from each pod's environment.
import type { ReplicationMode, TomcatCluster } from "../../api/index.ts";
import { baseNameOf, CLASS_NAMES, renderServerXml, type XmlNode } from "../../config/index.ts";
import { type Application, applicationFolder, hasSource } from "./application-folders.ts";
import type { OwnServerXml } from "./desired-inputs.ts";
import { mergeServerXml } from "./merge-server-xml.ts";
import { WORKER_HTTP_PORT } from "./names.ts";

export interface ServerXmlPlace {
  /** Folder of applications, absolute or relative to the worker's base; default "webapps". */
  readonly appBase?: string;
  /** Applications with a source lie in appBase like the others; default: in folders of their own, where pods have them. */
  readonly sourcesInAppBase?: boolean;
  /** Name whose addresses are the members; default: the worker's DNS_MEMBERSHIP_SERVICE_NAME. */
  readonly dnsName?: string;
  /** Folder of the channel's keys, absolute; default CHANNEL_KEY_DIRECTORY. What lies there: KeyFolder in src/channel. */
  readonly channelKeyDirectory?: string;
}

/** Where pods have the keys of their channel. */
export const CHANNEL_KEY_DIRECTORY = "/run/secrets/tomcat-cluster/channel-keys";

/** What every worker's environment must set for the text of `desiredServerXml`. */
export const WORKER_ENVIRONMENT = {
  /** The worker's route. */
  podName: "POD_NAME",
  /** The address of its connector and receiver. */
  podAddress: "POD_IP",
  dnsName: "DNS_MEMBERSHIP_SERVICE_NAME",
} as const;

/** Bits of tribes.md 4. */
const SEND_OPTIONS: Readonly<Record<ReplicationMode, number>> = { Synchronous: 6, Asynchronous: 8, AsynchronousAcknowledged: 10 };
/** Four lanes keep the order of each session and still let large messages be passed; Tomcat's 25 are sized for threads. */
const LANES = 4;
const MILLISECONDS = 1000;
/** Balancers keep their connections and admit heads of 16 KiB, to which they add X-Forwarded-*. */
const BEHIND_BALANCER = { maxKeepAliveRequests: -1, maxHttpRequestHeaderSize: 32_768 };

/** With `own`, the server.xml that the manifest names, merged in; throws ServerXmlError with all that is wrong with it. */
export function desiredServerXml(cluster: TomcatCluster, place: ServerXmlPlace = {}, own?: OwnServerXml): string {
  const ours = serverElement(cluster, place);
  return renderServerXml(own === undefined ? ours : mergeServerXml(ours, own));
}

function serverElement({ metadata, spec }: TomcatCluster, place: ServerXmlPlace): XmlNode {
  const [defaultHost] = spec.hosts;
  return {
    name: "Server",
    attributes: { port: -1 },
    children: [
      {
        name: "Service",
        attributes: {
          name: "Catalina",
          gracefulStopAwaitMillis: Math.round(spec.drain.deadlineSeconds * MILLISECONDS),
          drainQuietMillis: Math.round(spec.drain.quietSeconds * MILLISECONDS),
        },
        children: [
          {
            name: "Connector",
            attributes: { protocol: "HTTP/1.1", address: fromEnvironment("podAddress"), port: WORKER_HTTP_PORT, ...BEHIND_BALANCER },
          },
          {
            name: "Engine",
            attributes: { name: "Catalina", defaultHost: defaultHost!.name, jvmRoute: fromEnvironment("podName") },
            children: [
              clusterElement(metadata.name, spec, place),
              ...spec.hosts.map((host, index) => hostElement(host, spec, place, index === 0)),
            ],
          },
        ],
      },
    ],
  };
}

type Spec = TomcatCluster["spec"];

function fromEnvironment(variable: keyof typeof WORKER_ENVIRONMENT): string {
  return `\${${WORKER_ENVIRONMENT[variable]}}`;
}

function clusterElement(clusterName: string, { membership, group, replication, sessions }: Spec, place: ServerXmlPlace): XmlNode {
  const filter = replication.filter?.length ? replication.filter.join("|") : undefined;
  return {
    name: "Cluster",
    attributes: { className: CLASS_NAMES.simpleTcpCluster, clusterName, channelSendOptions: SEND_OPTIONS[replication.mode] },
    children: [
      managerElement(group.manager.type, sessions, replication.mode),
      {
        name: "Channel",
        attributes: { className: CLASS_NAMES.groupChannel },
        children: [
          {
            name: "Membership",
            attributes: {
              className: CLASS_NAMES.cloudMembershipService,
              membershipProviderClassName: "dns",
              dnsName: place.dnsName ?? fromEnvironment("dnsName"),
              refreshInterval: membership.refreshMilliseconds,
              expirationTime: membership.expirationMilliseconds,
            },
          },
          {
            name: "Receiver",
            attributes: {
              className: CLASS_NAMES.nioReceiver,
              address: fromEnvironment("podAddress"),
              port: group.receiver.port,
              autoBind: 1,
            },
          },
          {
            name: "Sender",
            attributes: { className: CLASS_NAMES.replicationTransmitter },
            children: [
              {
                name: "Transport",
                attributes: {
                  className: CLASS_NAMES.pooledParallelSender,
                  timeout: replication.ackTimeoutMilliseconds,
                  poolSize: LANES,
                },
              },
            ],
          },
          { name: "Interceptor", attributes: { className: CLASS_NAMES.messageDispatchInterceptor } },
          ...further(group.interceptors, "Gzip", CLASS_NAMES.gzipInterceptor),
          ...encryption(group.encryption.mode, place.channelKeyDirectory ?? CHANNEL_KEY_DIRECTORY),
          // What it counts is what travels.
          ...further(group.interceptors, "Throughput", CLASS_NAMES.throughputInterceptor),
          { name: "Interceptor", attributes: { className: CLASS_NAMES.tcpFailureDetector } },
        ],
      },
      { name: "Valve", attributes: { className: CLASS_NAMES.jvmRouteBinderValve } },
      { name: "Valve", attributes: { className: CLASS_NAMES.replicationValve, filter, durability: replication.durability } },
      { name: "ClusterListener", attributes: { className: CLASS_NAMES.clusterSessionListener } },
    ],
  };
}

/** A BackupManager's map has send options of its own. */
function managerElement(type: Spec["group"]["manager"]["type"], { maxActive }: Spec["sessions"], mode: ReplicationMode): XmlNode {
  const backup = { className: CLASS_NAMES.backupManager, mapSendOptions: SEND_OPTIONS[mode] };
  const manager = type === "Backup" ? backup : { className: CLASS_NAMES.deltaManager };
  return { name: "Manager", attributes: { ...manager, maxActiveSessions: maxActive } };
}

function further(interceptors: Spec["group"]["interceptors"] = [], type: string, className: string): readonly XmlNode[] {
  return interceptors
    .filter((interceptor) => interceptor.type === type)
    .map(({ attributes }) => ({ name: "Interceptor", attributes: { className, ...attributes } }));
}

/** Above the failure detector, whose probes are plain (tribes.md 12.10). The algorithm is said, since Tomcat's default has changed. */
function encryption(mode: Spec["group"]["encryption"]["mode"], encryptionKeyDirectory: string): readonly XmlNode[] {
  if (mode === "Disabled") return [];
  const attributes = { className: CLASS_NAMES.encryptInterceptor, encryptionAlgorithm: "AES/GCM/NoPadding", encryptionKeyDirectory };
  return [{ name: "Interceptor", attributes }];
}

/** Without a list of applications the first host deploys whatever lies in appBase, and the others serve nothing. */
function hostElement({ name, aliases }: Spec["hosts"][number], spec: Spec, place: ServerXmlPlace, isDefault: boolean): XmlNode {
  const deploysFolders = spec.applications === undefined && isDefault;
  const applications = (spec.applications ?? []).filter((application) => application.host === name);
  return {
    name: "Host",
    attributes: { name, appBase: place.appBase ?? "webapps", autoDeploy: deploysFolders, deployOnStartup: deploysFolders },
    children: [
      ...aliases.map((alias) => ({ name: "Alias", text: alias })),
      defaultContextElement(spec.sessions),
      ...applications.map((application) => contextElement(application, place)),
    ],
  };
}

function defaultContextElement({ timeoutSeconds, cookie }: Spec["sessions"]): XmlNode {
  return {
    name: "DefaultContext",
    attributes: { distributable: true, sessionTimeoutSeconds: timeoutSeconds, sessionCookieName: cookie.name },
    children:
      cookie.sameSite === undefined ? [] : [{ name: "CookieProcessor", attributes: { sameSiteCookies: cookie.sameSite.toLowerCase() } }],
  };
}

function contextElement(application: Application, { sourcesInAppBase = false }: ServerXmlPlace): XmlNode {
  const { path, distributable } = application;
  const contextPath = path === "/" ? "" : path;
  const docBase = hasSource(application) && !sourcesInAppBase ? applicationFolder(application) : baseNameOf(contextPath);
  return { name: "Context", attributes: { path: contextPath, docBase, distributable } };
}
