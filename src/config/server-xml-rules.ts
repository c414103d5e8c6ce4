// What must hold between elements of server.xml, and combinations that deserve a warning.
import type { CheckedElement } from "./checked-element.ts";
import { CLASS_NAMES } from "./class-names.ts";
import { contextPathOf, hostNameOf } from "./container-names.ts";
import { checkMembership } from "./membership-rules.ts";
import type { PlaceholderSources } from "./placeholders.ts";
import type { Report, Subject } from "./report.ts";

const USE_ACK = 2;
const ASYNCHRONOUS = 8;

export function checkRules(server: CheckedElement, { environment }: PlaceholderSources, report: Report): void {
  const engine = server.first("Service")?.first("Engine");
  if (engine === undefined) return;
  checkHosts(engine, report);
  const clusters = [engine, ...engine.all("Host")].flatMap((container) => container.all("Cluster"));
  for (const cluster of clusters.slice(1)) {
    report.problem("NOT_SUPPORTED", cluster, "more than one Cluster in a Server is not supported in this version: place one in the Engine");
  }
  const cluster = clusters[0];
  if (cluster === undefined) return;
  checkCluster(cluster, report);
  checkMembership(cluster, environment, report);
  if (engine.optionalText("jvmRoute") === undefined) {
    report.note("warn", engine, "it has a Cluster but no jvmRoute: balancers cannot tell which worker a session belongs to");
  }
}

function checkHosts(engine: CheckedElement, report: Report): void {
  const owners = new Map<string, Subject>();
  for (const host of engine.all("Host")) {
    for (const subject of [host, ...host.all("Alias")]) {
      const name = hostNameOf(subject);
      const owner = owners.get(name);
      if (owner !== undefined)
        report.problem("DUPLICATE", subject, `"${name}" is the name or an alias of a Host in line ${owner.location.line} already`);
      else if (name !== "") owners.set(name, subject);
    }
    checkContexts(host, report);
  }
  const defaultHost = engine.optionalText("defaultHost")?.toLowerCase();
  if (defaultHost === undefined || owners.size === 0 || owners.has(defaultHost)) return;
  const place = { name: "defaultHost", location: engine.given.get("defaultHost") ?? engine.location };
  report.attributeProblem("INVALID_VALUE", engine, place, `no Host is called "${defaultHost}"; known: ${[...owners.keys()].join(", ")}`);
}

function checkContexts(host: CheckedElement, report: Report): void {
  const paths = new Map<string, CheckedElement>();
  for (const context of host.all("Context")) {
    const path = contextPathOf(context);
    if (path === undefined) continue;
    const owner = paths.get(path);
    if (owner !== undefined)
      report.problem("DUPLICATE", context, `the path "${path}" belongs to the Context in line ${owner.location.line} already`);
    else paths.set(path, context);
  }
}

/** Only an acknowledgement tells that another member has the change. */
function checkDurability(cluster: CheckedElement, report: Report): void {
  const manager = cluster.first("Manager");
  const sender = manager?.className === CLASS_NAMES.backupManager ? manager : cluster;
  const attribute = sender === cluster ? "channelSendOptions" : "mapSendOptions";
  const options = sender.integer(attribute);
  for (const valve of cluster.all("Valve")) {
    if (valve.className !== CLASS_NAMES.replicationValve || valve.attributes.durability !== "Required") continue;
    if ((options & USE_ACK) !== 0 && (options & ASYNCHRONOUS) === 0) continue;
    const place = { name: "durability", location: valve.given.get("durability") ?? valve.location };
    const problem = `"Required" needs requests that wait for acknowledgements: set ${attribute} of the ${sender.name} to 6, it is ${options}`;
    report.attributeProblem("INVALID_VALUE", valve, place, problem);
  }
}

/** What a Tomcat lets one turn off, and the promise leans on. */
function checkTurnedOff(cluster: CheckedElement, report: Report): void {
  const channel = cluster.first("Channel");
  const transport = channel?.first("Sender")?.first("Transport");
  if (transport?.attributes.throwOnFailedAck === false) {
    report.note("warn", transport, 'throwOnFailedAck="false": a session that a member refused is not sent to it again (rule 12)');
  }
  if (channel?.attributes.heartbeat === false && !cluster.boolean("heartbeatBackgroundEnabled")) {
    report.note("warn", channel, 'heartbeat="false": a member that did not answer once is never asked again (rule 3)');
  }
}

/** Tomcat adds default valves and interceptors only when none stands in the file (ha.md 1): one that is forgotten is missed silently. */
function checkCluster(cluster: CheckedElement, report: Report): void {
  checkDurability(cluster, report);
  checkTurnedOff(cluster, report);
  const valves = cluster.all("Valve").map((valve) => valve.className);
  if (valves.length > 0) {
    if (!valves.includes(CLASS_NAMES.replicationValve)) {
      report.note("warn", cluster, "valves are configured but not ReplicationValve: no session is replicated");
    }
    if (!valves.includes(CLASS_NAMES.jvmRouteBinderValve)) {
      report.note("warn", cluster, "valves are configured but not JvmRouteBinderValve: sessions keep the route of a worker that has gone");
    }
  }
  const interceptors = cluster.first("Channel")?.all("Interceptor") ?? [];
  if (interceptors.length === 0) return;
  const names = interceptors.map((interceptor) => interceptor.className);
  const [first] = interceptors;
  if (!names.includes(CLASS_NAMES.tcpFailureDetector)) {
    report.note("warn", first!, "interceptors are configured but not TcpFailureDetector: members that fail are noticed late");
  }
  if (
    ((cluster.optionalInteger("channelSendOptions") ?? 0) & ASYNCHRONOUS) !== 0 &&
    !names.includes(CLASS_NAMES.messageDispatchInterceptor)
  ) {
    report.note(
      "warn",
      first!,
      "channelSendOptions is asynchronous, but there is no MessageDispatchInterceptor: requests wait for their messages",
    );
  }
  for (const interceptor of interceptors) {
    if (interceptor.className === CLASS_NAMES.encryptInterceptor) checkKeys(interceptor, report);
  }
  const seen = new Set<string>();
  for (const interceptor of interceptors) {
    if (seen.has(interceptor.className))
      report.problem("DUPLICATE", interceptor, `"${interceptor.className}" stands in this Channel already`);
    seen.add(interceptor.className);
  }
}

function checkKeys(interceptor: CheckedElement, report: Report): void {
  const key = interceptor.given.get("encryptionKey");
  const directory = interceptor.given.get("encryptionKeyDirectory");
  if (key === undefined && directory === undefined) {
    report.problem("MISSING", interceptor, `no key: give encryptionKey="\${file:PATH}", or encryptionKeyDirectory`);
  } else if (key !== undefined && directory !== undefined) {
    const place = { name: "encryptionKeyDirectory", location: directory };
    report.attributeProblem("DUPLICATE", interceptor, place, "encryptionKey is given too: remove one of them");
  } else if (directory !== undefined && interceptor.optionalText("encryptionKeyDirectory") === undefined) {
    const place = { name: "encryptionKeyDirectory", location: directory };
    report.attributeProblem("INVALID_VALUE", interceptor, place, "found nothing, must be the path of a folder");
  }
}
