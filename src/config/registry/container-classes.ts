// Server, Service, Engine, Host, Context, managers, valves and listeners that need no cluster.
import { CLASS_NAMES } from "../class-names.ts";
import type { AttributeEntry, ClassEntry } from "./entry.ts";
import { boolean, choice, classIgnored, history, ignored, integer, later, text, works } from "./entry.ts";

const SECOND_LIMIT = 2_147_483_647;
const ROUTE = { pattern: /^[A-Za-z0-9_-]{0,59}$/, description: "at most 59 letters, digits, _ and -" };
const HOST_NAME = {
  pattern: /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$|^[0-9a-fA-F:.]+$/,
  description: "a host name or an IP address",
};
const CONTEXT_PATH = {
  pattern: /^$|^\/$|^(\/[^/\s?#%;\\<>"]+)+$/,
  description: 'empty for the root application, or a path such as "/shop" without a "/" at its end',
};
const COOKIE_NAME = {
  pattern: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/,
  description: "a token of RFC 6265: no white space, commas, semicolons, quotes",
};
const COOKIE_ATTRIBUTE = { pattern: /^[ -:<-~]*$/, description: 'ASCII text without ";"' };

const NO_THREADS = "the worker runs on one event loop, not on threads";
const NO_JMX = "there is no JMX";
const BACKGROUND = "background work runs every 10 s";

const sessionAttributes: Record<string, AttributeEntry> = {
  maxActiveSessions: integer("Sessions of one context; -1: no limit", -1, SECOND_LIMIT, {
    default: 100_000,
    tomcat: "default -1",
    rule: 22,
  }),
  processExpiresFrequency: integer("Looks for expired sessions in every n-th background run of 10 s", 1, 8640, { default: 6 }),
  ...ignored("session ids are drawn from the system's strong random numbers", [
    "secureRandomClass",
    "secureRandomAlgorithm",
    "secureRandomProvider",
    "randomFile",
    "entropy",
    "algorithm",
  ]),
  ...ignored("this version authenticates nobody", ["persistAuthentication"]),
  ...later(
    { sessionAttributeNameFilter: undefined, sessionAttributeValueClassNameFilter: undefined },
    "remove it: every attribute is kept",
  ),
  ...ignored("no attribute is filtered", ["warnOnSessionAttributeFilterFailure"]),
  ...ignored("applications here have no such listeners", [
    "notifyBindingListenerOnUnchangedValue",
    "notifyAttributeListenerOnUnchangedValue",
  ]),
  ...history("removed in Tomcat 8: give sessionTimeout at the Context, or <session-timeout> in web.xml", ["maxInactiveInterval"]),
  ...history("removed in Tomcat 8: ids have 16 random bytes", ["sessionIdLength"]),
};

/** Attributes that every manager has. */
export const MANAGER_ATTRIBUTES: Readonly<Record<string, AttributeEntry>> = sessionAttributes;

const contextDefaults: Record<string, AttributeEntry> = {
  distributable: boolean("Whether the cluster's manager keeps the sessions; unset: what the application says"),
  sessionTimeout: integer("Minutes until an unused session expires; 0 or less: never", -1, 525_600, { default: 30 }),
  sessionTimeoutSeconds: integer("The same in seconds; wins over sessionTimeout", -1, SECOND_LIMIT, { ours: true }),
  sessionCookieName: text("Name of the session cookie", { default: "JSESSIONID", form: COOKIE_NAME }),
  sessionCookiePath: text("Path of the session cookie; unset: the context's path", { form: COOKIE_ATTRIBUTE }),
  sessionCookieDomain: text("Domain of the session cookie; unset: none", { form: COOKIE_ATTRIBUTE }),
  useHttpOnly: boolean("HttpOnly of the session cookie", true),
};

/** The element left server.xml with Tomcat 6. */
const ourContextDefaults = Object.fromEntries(Object.entries(contextDefaults).map(([name, entry]) => [name, { ...entry, ours: true }]));

const contextTuning: Record<string, AttributeEntry> = {
  ...later({
    allowCasualMultipartParsing: false,
    altDDName: undefined,
    cookies: true,
    crossContext: false,
    override: false,
    privileged: false,
    sessionCookiePathUsesTrailingSlash: false,
    usePartitioned: false,
    validateClientProvidedNewSessionId: true,
    wrapperClass: undefined,
  }),
  ...ignored(
    "it concerns Java class loading, JSP, JNDI or deployment descriptors",
    (
      "addWebinfClassesResources antiResourceLocking clearReferencesHttpClientKeepAliveThread clearReferencesObjectStreamClassCaches " +
      "clearReferencesRmiTargets clearReferencesStopThreads clearReferencesStopTimerThreads clearReferencesThreadLocals containerSciFilter " +
      "createUploadTargets dispatcherWrapsSameObject failCtxIfServletStartFails fireRequestListenersOnForwards ignoreAnnotations " +
      "jndiExceptionOnFailedWrite logEffectiveWebXml mapperContextRootRedirectEnabled mapperDirectoryRedirectEnabled notFoundClassResourceCacheSize " +
      "parallelAnnotationScanning preemptiveAuthentication reloadable renewThreadsWhenStoppingContext resourceOnlyServlets skipMemoryLeakChecksOnJvmShutdown " +
      "suspendWrappedResponseAfterForward swallowAbortedUploads swallowOutput tldValidation unloadDelay unpackWAR useBloomFilterForArchives useNaming " +
      "useRelativeRedirects workDir xmlBlockExternal xmlNamespaceAware xmlValidation dispatchersUseEncodedPaths logName configFile webappVersion " +
      "cachingAllowed cacheMaxSize cacheTTL debug displayName"
    ).split(" "),
  ),
  ...ignored(BACKGROUND, ["backgroundProcessorDelay"]),
};

export const CONTAINER_CLASSES: readonly ClassEntry[] = [
  works("Server", CLASS_NAMES.standardServer, {
    ...ignored("there is no shutdown port: SIGTERM stops the worker", ["port", "shutdown", "address", "portOffset"], "debug"),
    ...ignored(NO_THREADS, ["utilityThreads", "utilityThreadsAsDaemon", "periodicEventDelay"]),
    ...ignored("log levels are an option of the command", ["debug"], "debug"),
  }),
  works("Service", CLASS_NAMES.standardService, {
    name: text("Name for logs", { default: "Catalina" }),
    gracefulStopAwaitMillis: integer("Ms from SIGTERM until connectors close whatever happens", 0, 3_600_000, {
      default: 20_000,
      tomcat: "default 0",
      rule: 18,
    }),
    drainQuietMillis: integer("Ms without a request after which a draining worker closes its connectors", 0, 3_600_000, {
      default: 2000,
      ours: true,
      rule: 18,
    }),
    ...ignored("log levels are an option of the command", ["debug"], "debug"),
  }),
  works("Engine", CLASS_NAMES.standardEngine, {
    name: text("Name for logs, and of the cluster by default", { required: true }),
    defaultHost: text("Host for requests whose Host header names none of the Hosts", { required: true, form: HOST_NAME }),
    jvmRoute: text("Route at the end of session ids; the balancer's name of this worker", { form: ROUTE }),
    ...ignored(BACKGROUND, ["backgroundProcessorDelay"]),
    ...ignored(NO_THREADS, ["startStopThreads"]),
    ...ignored("log levels are an option of the command", ["debug"], "debug"),
  }),
  works("Host", CLASS_NAMES.standardHost, {
    name: text("Name that the Host header is compared with", { required: true, form: HOST_NAME }),
    appBase: text("Folder of applications, absolute or relative to the base", { default: "webapps" }),
    autoDeploy: boolean("Deploys applications that appear in appBase while the worker runs", true),
    deployOnStartup: boolean("Deploys what lies in appBase at start", true),
    ...ignored("archives are unpacked into the work folder", ["unpackWARs"], "debug"),
    ...ignored(BACKGROUND, ["backgroundProcessorDelay"]),
    ...ignored(NO_THREADS, ["startStopThreads"]),
    ...ignored(
      "it concerns deployment descriptors and Java class loading",
      "copyXML createDirs deployXML failCtxIfServletStartFails legacyAppBase undeployOldVersions workDir xmlBase configClass liveDeploy xmlValidation xmlNamespaceAware debug".split(
        " ",
      ),
    ),
    ...later({ deployIgnore: undefined, errorReportValveClass: undefined, contextClass: CLASS_NAMES.standardContext }),
  }),
  works("Context", CLASS_NAMES.standardContext, {
    path: text('Context path; "" for the root application', { required: true, form: CONTEXT_PATH }),
    docBase: text("Folder or archive, absolute or relative to appBase; unset: the path's name, ROOT for the root application"),
    ...contextDefaults,
    ...contextTuning,
  }),
  works("DefaultContext", CLASS_NAMES.standardContext, ourContextDefaults),
  works("CookieProcessor", CLASS_NAMES.cookieProcessor, {
    sameSiteCookies: choice(
      "SameSite of the session cookie",
      { values: ["unset", "none", "lax", "strict"], aliases: { None: "none", Lax: "lax", Strict: "strict" } },
      { default: "unset" },
    ),
    ...later({ partitioned: false }),
  }),
  works(
    "Manager",
    CLASS_NAMES.standardManager,
    {
      ...sessionAttributes,
      ...ignored("sessions of a StandardManager end with the worker", ["pathname"]),
      ...ignored(NO_JMX, ["name"]),
    },
    ["Context", "DefaultContext"],
  ),
  works(
    "Valve",
    CLASS_NAMES.accessLogValve,
    {
      pattern: text('"common", "combined", or codes such as %h %t "%r" %s %b %D', { default: "common" }),
      ...ignored(
        "the access log goes to standard output",
        "directory prefix suffix fileDateFormat rotatable renameOnRotate buffered encoding maxDays checkExists".split(" "),
        "debug",
      ),
      ...ignored("it has no effect here", [
        "locale",
        "maxLogMessageBufferSize",
        "ipv6Canonical",
        "resolveHosts",
        "requestAttributesEnabled",
      ]),
      ...later({ condition: undefined, conditionIf: undefined, conditionUnless: undefined }),
    },
    ["Engine", "Host", "Context"],
  ),
  ...[
    "startup.VersionLoggerListener",
    "core.AprLifecycleListener",
    "core.OpenSSLLifecycleListener",
    "core.JreMemoryLeakPreventionListener",
    "core.JasperListener",
    "core.JniLifecycleListener",
    "core.ThreadLocalLeakPreventionListener",
    "mbeans.GlobalResourcesLifecycleListener",
    "mbeans.ServerLifecycleListener",
    "mbeans.JmxRemoteLifecycleListener",
    "storeconfig.StoreConfigLifecycleListener",
  ].map((name) => classIgnored("Listener", `org.apache.catalina.${name}`, "it concerns the Java virtual machine")),
  classIgnored("Valve", "org.apache.catalina.valves.ErrorReportValve", "error pages never show what an application threw", "info"),
  classIgnored("Valve", "org.apache.catalina.valves.StuckThreadDetectionValve", NO_THREADS, "info"),
  classIgnored("Listener", "org.apache.catalina.security.SecurityListener", "the container's security context decides the user", "info"),
  ...[
    "LockOutRealm",
    "UserDatabaseRealm",
    "CombinedRealm",
    "MemoryRealm",
    "DataSourceRealm",
    "JDBCRealm",
    "JNDIRealm",
    "JAASRealm",
    "NullRealm",
    "AuthenticatedUserRealm",
  ].map((name) =>
    classIgnored(
      "Realm",
      `org.apache.catalina.realm.${name}`,
      "this version authenticates nobody: protect applications in front of the worker",
      "warn",
    ),
  ),
];
