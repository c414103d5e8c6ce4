// Checked elements -> ServerConfig: server, service, connectors, engine, hosts, contexts.
import { buildCluster, buildComponents, buildManager } from "./build-cluster.ts";
import type { CheckedElement } from "./checked-element.ts";
import { baseNameOf, contextPathOf, hostNameOf } from "./container-names.ts";
import type {
  ConnectorConfig,
  ContextConfig,
  ContextDefaults,
  EngineConfig,
  HostConfig,
  SameSiteCookies,
  ServerConfig,
  ServiceConfig,
} from "./server-config.ts";

const SECONDS_PER_MINUTE = 60;
/** Of StandardContext and Tomcat's conf/web.xml. */
const TOMCAT_DEFAULTS: ContextDefaults = {
  sessionTimeoutSeconds: 1800,
  sessionCookieName: "JSESSIONID",
  useHttpOnly: true,
  sameSiteCookies: "unset",
};

/** `dnsName` is the name of the membership when the file does not say it. Only for elements that passed check and rules. */
export function buildServer(server: CheckedElement, dnsName: string | undefined): ServerConfig {
  return { service: buildService(server.first("Service")!, dnsName) };
}

function buildService(service: CheckedElement, dnsName: string | undefined): ServiceConfig {
  return {
    name: service.text("name"),
    drain: { quietMs: service.integer("drainQuietMillis"), deadlineMs: service.integer("gracefulStopAwaitMillis") },
    connectors: service.all("Connector").map(buildConnector),
    engine: buildEngine(service.first("Engine")!, dnsName),
  };
}

function buildConnector(connector: CheckedElement): ConnectorConfig {
  const address = connector.optionalText("address");
  const connectionTimeoutMs = connector.integer("connectionTimeout");
  return {
    protocol: "HTTP/1.1",
    ...(address === undefined ? {} : { address }),
    port: connector.integer("port"),
    connectionTimeoutMs,
    keepAliveTimeoutMs: connector.optionalInteger("keepAliveTimeout") ?? connectionTimeoutMs,
    maxKeepAliveRequests: connector.integer("maxKeepAliveRequests"),
    maxHttpRequestHeaderSize: connector.optionalInteger("maxHttpRequestHeaderSize") ?? connector.integer("maxHttpHeaderSize"),
    maxConnections: connector.integer("maxConnections"),
    location: connector.location,
  };
}

function buildEngine(engine: CheckedElement, dnsName: string | undefined): EngineConfig {
  const cluster = engine.first("Cluster");
  const jvmRoute = engine.optionalText("jvmRoute");
  return {
    name: engine.text("name"),
    defaultHost: engine.text("defaultHost").toLowerCase(),
    ...(jvmRoute === undefined ? {} : { jvmRoute }),
    hosts: engine.all("Host").map((host) => buildHost(host, dnsName)),
    valves: buildComponents(engine, "Valve"),
    ...(cluster === undefined ? {} : { cluster: buildCluster(cluster, "Engine", engine.text("name"), dnsName) }),
    location: engine.location,
  };
}

function buildHost(host: CheckedElement, dnsName: string | undefined): HostConfig {
  const cluster = host.first("Cluster");
  const defaultContext = buildContextDefaults(host.first("DefaultContext"), TOMCAT_DEFAULTS);
  return {
    name: hostNameOf(host),
    aliases: host.all("Alias").map(hostNameOf),
    appBase: host.text("appBase"),
    autoDeploy: host.boolean("autoDeploy"),
    deployOnStartup: host.boolean("deployOnStartup"),
    defaultContext,
    contexts: host.all("Context").map((context) => buildContext(context, defaultContext)),
    valves: buildComponents(host, "Valve"),
    ...(cluster === undefined ? {} : { cluster: buildCluster(cluster, "Host", hostNameOf(host), dnsName) }),
    location: host.location,
  };
}

function buildContext(context: CheckedElement, defaultContext: ContextDefaults): ContextConfig {
  const path = contextPathOf(context) ?? "";
  return {
    path,
    docBase: context.optionalText("docBase") ?? baseNameOf(path),
    ...buildContextDefaults(context, defaultContext),
    valves: buildComponents(context, "Valve"),
    location: context.location,
  };
}

/** What stands in the file wins over `inherited`; of Context over DefaultContext, of that over Tomcat's defaults. */
function buildContextDefaults(context: CheckedElement | undefined, inherited: ContextDefaults): ContextDefaults {
  if (context === undefined) return inherited;
  const isGiven = (name: string) => context.given.has(name);
  const manager = context.first("Manager");
  const cookieProcessor = context.first("CookieProcessor");
  const sessionTimeoutSeconds = context.optionalInteger("sessionTimeoutSeconds");
  const timeoutOfMinutes = isGiven("sessionTimeout") ? context.integer("sessionTimeout") * SECONDS_PER_MINUTE : undefined;
  const own: Partial<ContextDefaults> = withoutUndefined({
    distributable: context.optionalBoolean("distributable"),
    sessionTimeoutSeconds: sessionTimeoutSeconds ?? timeoutOfMinutes,
    sessionCookieName: isGiven("sessionCookieName") ? context.text("sessionCookieName") : undefined,
    sessionCookiePath: context.optionalText("sessionCookiePath"),
    sessionCookieDomain: context.optionalText("sessionCookieDomain"),
    useHttpOnly: isGiven("useHttpOnly") ? context.boolean("useHttpOnly") : undefined,
    sameSiteCookies: cookieProcessor === undefined ? undefined : (cookieProcessor.text("sameSiteCookies") as SameSiteCookies),
    manager: manager === undefined ? undefined : buildManager(manager),
  });
  return { ...inherited, ...own };
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
