// TomcatCluster -> the balancers' settings. Only what the user set: defaults are the balancer's own (config/balancer-settings).
import type { TomcatCluster } from "../../api/index.ts";
import type { BalancerSettingsDocument } from "../../config/index.ts";
import { definedOnly } from "./defined-only.ts";
import { workersRecordName, workersServiceName } from "./names.ts";

/** Where the balancer runs; unset: in a pod, on all addresses, with the pod's DNS. */
export interface BalancerPlace {
  readonly address?: string;
  readonly port?: number;
  readonly managementAddress?: string;
  readonly managementPort?: number;
  /** host:port of a DNS server that knows the workers' SRV records. Unset: Kubernetes tells by EndpointSlices where they are. */
  readonly dnsServer?: string;
}

export function desiredBalancerSettings(cluster: TomcatCluster, place: BalancerPlace = {}): BalancerSettingsDocument {
  const { balancer, sessions, drain } = cluster.spec;
  return definedOnly({
    listen: definedOnly({ address: place.address, port: place.port }),
    management: definedOnly({ address: place.managementAddress, port: place.managementPort }),
    discovery:
      place.dnsServer === undefined
        ? { type: "EndpointSlice" as const, service: workersServiceName(cluster) }
        : { type: "DNS" as const, service: workersRecordName(cluster), server: place.dnsServer },
    method: balancer.method,
    stickySession: definedOnly({ ...balancer.stickySession, cookie: sessions.cookie.name }),
    healthCheck: definedOnly(balancer.healthCheck),
    timeouts: definedOnly(balancer.timeouts),
    drain: { quietSeconds: drain.quietSeconds, deadlineSeconds: drain.deadlineSeconds },
  });
}
