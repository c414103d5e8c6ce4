// Which element may stand in which, as Tomcat's server.xml has it, and what of it this version handles.
import { CLASS_NAMES } from "../class-names.ts";
import type { ChildEntry, ElementEntry, Support } from "./entry.ts";

const many: ChildEntry = { many: true, required: false };
const one: ChildEntry = { many: false, required: false };

function of(className: string, child: ChildEntry = one): ChildEntry {
  return { ...child, defaultClassName: className };
}

function element(children: Record<string, ChildEntry> = {}): ElementEntry {
  return { children, support: { status: "works" }, text: false };
}

function unsupported(support: Support): ElementEntry {
  return { children: {}, support, text: false };
}

function ignoredElement(reason: string, level: "debug" | "info" | "warn" = "info"): ElementEntry {
  return unsupported({ status: "ignored", reason, level });
}

function laterElement(instead?: string): ElementEntry {
  return unsupported({ status: "later", ...(instead === undefined ? {} : { instead }) });
}

const NO_NAMING = "applications here have no JNDI";
const NO_CLASS_LOADER = "there are no Java class loaders and resource caches";
const contextChildren = {
  Manager: of(CLASS_NAMES.standardManager),
  CookieProcessor: of(CLASS_NAMES.cookieProcessor),
};
const staticMembers = { Member: of(CLASS_NAMES.staticMember, many), LocalMember: of(CLASS_NAMES.staticMember) };

export const ELEMENTS: Readonly<Record<string, ElementEntry>> = {
  Server: element({
    Listener: many,
    GlobalNamingResources: one,
    Service: { ...of(CLASS_NAMES.standardService), required: true },
  }),
  Service: element({
    Listener: many,
    Executor: many,
    Connector: { ...of(CLASS_NAMES.connector, many), required: true },
    Engine: { ...of(CLASS_NAMES.standardEngine), required: true },
  }),
  Connector: element({ UpgradeProtocol: many, SSLHostConfig: many, Listener: many }),
  Engine: element({
    Cluster: one,
    Host: { ...of(CLASS_NAMES.standardHost, many), required: true },
    Listener: many,
    Realm: many,
    Valve: many,
  }),
  Host: element({
    Alias: many,
    Cluster: one,
    Context: of(CLASS_NAMES.standardContext, many),
    DefaultContext: of(CLASS_NAMES.standardContext),
    Listener: many,
    Realm: many,
    Valve: many,
  }),
  Alias: { ...element(), text: true },
  Context: element({
    ...contextChildren,
    Ejb: many,
    Environment: many,
    JarScanner: one,
    Listener: many,
    Loader: one,
    Parameter: many,
    Realm: many,
    Resource: many,
    ResourceEnvRef: many,
    ResourceLink: many,
    Resources: one,
    SessionCookieConfig: one,
    Transaction: many,
    Valve: many,
    WatchedResource: many,
    WrapperLifecycle: many,
    WrapperListener: many,
  }),
  DefaultContext: element(contextChildren),
  Cluster: element({ Manager: one, Channel: one, Valve: many, Deployer: one, ClusterListener: many, Listener: many }),
  Channel: element({ Membership: one, Receiver: one, Sender: one, Interceptor: many, ChannelListener: many }),
  Membership: element(staticMembers),
  Receiver: element(),
  Sender: element({ Transport: one }),
  Transport: element(),
  Interceptor: element(staticMembers),
  Member: element(),
  LocalMember: element(),
  Manager: element({ SessionIdGenerator: one, Store: one }),
  CookieProcessor: element(),
  Valve: element(),
  ClusterListener: element(),
  Listener: element(),
  Realm: element({ Realm: many, CredentialHandler: one }),
  Deployer: element(),

  GlobalNamingResources: ignoredElement(
    "its resources are not offered: this version authenticates nobody, and applications here have no JNDI",
    "debug",
  ),
  Executor: ignoredElement("requests run on one event loop, not on threads"),
  UpgradeProtocol: laterElement("remove it: connectors speak HTTP/1.1"),
  SSLHostConfig: laterElement("let the balancer or an ingress end TLS"),
  Ejb: ignoredElement(NO_NAMING, "warn"),
  Environment: ignoredElement(NO_NAMING, "warn"),
  Resource: ignoredElement(NO_NAMING, "warn"),
  ResourceEnvRef: ignoredElement(NO_NAMING, "warn"),
  ResourceLink: ignoredElement(NO_NAMING, "warn"),
  Transaction: ignoredElement(NO_NAMING, "warn"),
  JarScanner: ignoredElement(NO_CLASS_LOADER),
  Loader: ignoredElement(NO_CLASS_LOADER),
  Resources: ignoredElement(NO_CLASS_LOADER),
  WatchedResource: ignoredElement("applications are not reloaded while they run"),
  WrapperLifecycle: laterElement(),
  WrapperListener: laterElement(),
  Parameter: laterElement("give context parameters in the application's web.xml"),
  SessionCookieConfig: laterElement("use sessionCookieName, sessionCookiePath, useHttpOnly of the Context and its CookieProcessor"),
  SessionIdGenerator: laterElement("remove it: ids are 32 upper-case hexadecimal digits of strong random numbers"),
  Store: laterElement(),
  ChannelListener: laterElement(),
  CredentialHandler: ignoredElement("this version authenticates nobody", "warn"),
};
