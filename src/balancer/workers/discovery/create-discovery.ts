// Settings -> where the workers come from.
import { type AddressFamily, type Clock, DnsNameResolver, type Logger, type NameResolver, type Random } from "../../../base/index.ts";
import type { BalancerSettings } from "../../../config/index.ts";
import { ApiServer } from "../../../kube-watch/index.ts";
import type { Discovery } from "./discovery.ts";
import { DnsDiscovery } from "./dns-discovery.ts";
import { EndpointSliceDiscovery } from "./endpoint-slice-discovery.ts";
import { StaticDiscovery } from "./static-discovery.ts";

export interface DiscoveryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For DNS; default: a DnsNameResolver with the settings' server and time-out. */
  readonly resolver?: NameResolver;
}

const FAMILIES: Readonly<Record<"IPv4" | "IPv6", AddressFamily>> = { IPv4: 4, IPv6: 6 };
/** What every pod may call it; its address, which needs no DNS, stands in the environment of each. */
const API_SERVER = "https://kubernetes.default.svc";

export function createDiscovery(deps: DiscoveryDeps, settings: BalancerSettings["discovery"]): Discovery {
  const { clock, random, logger } = deps;
  switch (settings.type) {
    case "Static":
      return new StaticDiscovery(
        settings.workers.map((worker) => ({
          ...worker,
          route: worker.route ?? worker.name,
          leaving: false,
          managementPort: worker.managementPort,
        })),
      );
    case "DNS": {
      const { server, service, addressFamily, timeoutMilliseconds: timeoutMs, refreshMilliseconds: refreshMs } = settings;
      const resolver = deps.resolver ?? new DnsNameResolver(server === undefined ? { timeoutMs } : { server, timeoutMs });
      return new DnsDiscovery({ clock, logger, resolver }, { service, family: FAMILIES[addressFamily], refreshMs });
    }
    case "EndpointSlice": {
      const { service, namespace, portName, addressFamily, apiServer: url = API_SERVER, serviceAccountDirectory } = settings;
      const source = new ApiServer({ clock, random }, { url, serviceAccountDirectory });
      const family = addressFamily && FAMILIES[addressFamily];
      return new EndpointSliceDiscovery({ logger, source }, { service, namespace, portName, family });
    }
  }
}
