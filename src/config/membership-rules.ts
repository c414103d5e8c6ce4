// What must hold for a worker to have members: refused here, by name, before it opens a socket.
import type { CheckedElement } from "./checked-element.ts";
import { CLASS_NAMES } from "./class-names.ts";
import type { Report } from "./report.ts";

export const DNS_NAME_VARIABLE = "DNS_MEMBERSHIP_SERVICE_NAME";
/** Bits 1 and 2 of channelStartOptions (tribes.md 10): receiver and sender. */
const NO_MEMBERSHIP_SERVICE = "3";

export function checkMembership(cluster: CheckedElement, environment: Readonly<Record<string, string | undefined>>, report: Report): void {
  const channel = cluster.first("Channel");
  const membership = channel?.first("Membership");
  const interceptors = channel?.all("Interceptor") ?? [];
  for (const interceptor of interceptors) {
    if (interceptor.className === CLASS_NAMES.domainFilterInterceptor) checkDomain(interceptor, membership, report);
    if (interceptor.className === CLASS_NAMES.staticMembershipInterceptor) checkInterceptor(interceptor, interceptors, report);
    else refuseMembers(interceptor, report);
  }
  if (cluster.optionalText("channelStartOptions") === NO_MEMBERSHIP_SERVICE) checkNoService(cluster, membership, interceptors, report);
  else if (!cluster.refused.has("Channel") && !channel?.refused.has("Membership"))
    checkService(channel ?? cluster, membership, environment, report);
}

function checkService(
  parent: CheckedElement,
  membership: CheckedElement | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  report: Report,
): void {
  if (membership === undefined) {
    const found = "without a Membership its members are those that announce themselves by multicast, as for a Tomcat: 228.0.0.4 port 45564";
    report.note("warn", parent, found);
  } else if (membership.className === CLASS_NAMES.mcastService) checkMulticast(membership, report);
  else if (membership.className === CLASS_NAMES.staticMembershipService) checkStaticMembers(membership, report);
  else checkDns(membership, environment[DNS_NAME_VARIABLE], report);
}

function checkNoService(
  cluster: CheckedElement,
  membership: CheckedElement | undefined,
  interceptors: readonly CheckedElement[],
  report: Report,
): void {
  if (membership !== undefined) report.note("warn", membership, 'it is not started: channelStartOptions of the Cluster is "3"');
  if (interceptors.some(({ className }) => className === CLASS_NAMES.staticMembershipInterceptor)) return;
  const place = { name: "channelStartOptions", location: cluster.given.get("channelStartOptions") ?? cluster.location };
  const problem = '"3" starts no membership service, and no StaticMembershipInterceptor lists members: there would be none';
  report.attributeProblem("INVALID_VALUE", cluster, place, problem);
}

/** Its members count as alive until somebody asks them: a Tomcat warns, and goes on sending to who does not run. */
function checkInterceptor(interceptor: CheckedElement, interceptors: readonly CheckedElement[], report: Report): void {
  checkStaticMembers(interceptor, report);
  if (interceptors.some(({ className }) => className === CLASS_NAMES.tcpFailureDetector)) return;
  report.problem("MISSING", interceptor, "it needs a TcpFailureDetector above it, which asks its members whether they run");
}

function checkMulticast(membership: CheckedElement, report: Report): void {
  refuseMembers(membership, report);
  const frequency = membership.optionalInteger("frequency");
  const dropTime = membership.optionalInteger("dropTime");
  if (frequency === undefined || dropTime === undefined || dropTime > frequency) return;
  const place = { name: "dropTime", location: membership.given.get("dropTime") ?? membership.location };
  const problem = `${dropTime} is not longer than frequency, ${frequency}: every member would go between two announcements`;
  report.attributeProblem("INVALID_VALUE", membership, place, problem);
}

function checkDns(membership: CheckedElement, dnsNameOfEnvironment: string | undefined, report: Report): void {
  refuseMembers(membership, report);
  if (membership.optionalText("dnsName") === undefined && !dnsNameOfEnvironment) {
    report.problem("MISSING", membership, `no name to look up: give dnsName, or set ${DNS_NAME_VARIABLE} in the environment`);
  }
  const refresh = membership.optionalInteger("refreshInterval");
  const expiration = membership.optionalInteger("expirationTime");
  if (refresh !== undefined && expiration !== undefined && expiration < refresh) {
    const place = { name: "expirationTime", location: membership.given.get("expirationTime") ?? membership.location };
    report.attributeProblem(
      "INVALID_VALUE",
      membership,
      place,
      `${expiration} is shorter than refreshInterval, ${refresh}: every member would expire between two look-ups`,
    );
  }
}

/** Which of them is the local one is seen when the receiver's address is known. */
function checkStaticMembers(parent: CheckedElement, report: Report): void {
  const members = parent.all("Member");
  if (members.length === 0 && !parent.refused.has("Member")) {
    report.problem("MISSING", parent, 'it has no <Member>: list every member of the group, each with host="…" port="…" uniqueId="{…}"');
  }
  const lines = new Map<string, number>();
  for (const member of members) {
    const place = `${member.optionalText("host")} port ${member.optionalInteger("port")}`;
    const line = lines.get(place);
    if (line !== undefined) report.problem("DUPLICATE", member, `${place} is a member already, in line ${line}`);
    lines.set(place, member.location.line);
  }
}

/** Tomcat logs a warning and goes on without them. */
function refuseMembers(parent: CheckedElement, report: Report): void {
  for (const member of [...parent.all("Member"), ...parent.all("LocalMember")]) {
    report.problem(
      "NOT_SUPPORTED",
      member,
      `a ${simpleName(parent)} takes no members: list them in a StaticMembershipService or a StaticMembershipInterceptor`,
    );
  }
}

/** A worker that takes none of those whom DNS lists would have its sessions alone, and not know it. */
function checkDomain(interceptor: CheckedElement, membership: CheckedElement | undefined, report: Report): void {
  const domain = interceptor.optionalText("domain");
  if (domain === undefined || membership?.className !== CLASS_NAMES.cloudMembershipService) return;
  const place = { name: "domain", location: interceptor.given.get("domain") ?? interceptor.location };
  const problem = `members found by DNS have no domain: with "${domain}" none of them would be taken. Remove the attribute`;
  report.attributeProblem("INVALID_VALUE", interceptor, place, problem);
}

function simpleName({ className }: CheckedElement): string {
  return className.slice(className.lastIndexOf(".") + 1);
}
