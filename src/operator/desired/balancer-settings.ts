// TomcatCluster -> the balancers' settings. Only what the user set: defaults are the balancer's own (config/balancer-settings).
import type { TomcatCluster } from "../../api/index.ts";
import type { BalancerSettingsDocument } from "../../config/index.ts";
import { workersRecordName } from "./names.ts";

/** Where the balancer runs; unset: in a pod, on all addresses, with the pod's DNS. */
export interface BalancerPlace {
  readonly address?: string;
  readonly port?: number;
  readonly managementAddress?: string;
  readonly managementPort?: number;
  /** host:port of a DNS server to ask in place of resolv.conf's. */
  readonly dnsServer?: string;
}

export function desiredBalancerSettings(cluster: TomcatCluster, place: BalancerPlace = {}): BalancerSettingsDocument {
  const { balancer, sessions, drain } = cluster.spec;
  return definedOnly({
    listen: definedOnly({ address: place.address, port: place.port }),
    management: definedOnly({ address: place.managementAddress, port: place.managementPort }),
    discovery: definedOnly({ type: "DNS" as const, service: workersRecordName(cluster), server: place.dnsServer }),
    method: balancer.method,
    stickySession: definedOnly({ ...balancer.stickySession, cookie: sessions.cookie.name }),
    healthCheck: definedOnly(balancer.healthCheck),
    timeouts: definedOnly(balancer.timeouts),
    drain: { quietSeconds: drain.quietSeconds },
  });
}

type DefinedOnly<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/** Without members that are undefined and without empty objects: what is not said is not rendered. */
function definedOnly<T extends object>(value: T): DefinedOnly<T> {
  const members = Object.entries(value).filter(([, member]) => member !== undefined && !isEmptyObject(member));
  return Object.fromEntries(members) as DefinedOnly<T>;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
