// What a cluster's DNS says about headless Services, as CoreDNS's kubernetes plugin says it: names in, records out, no sockets.
import type { Answer, SoaAnswer } from "dns-packet";

export const RCODE = { noError: 0, formatError: 1, nonExistentDomain: 3, notImplemented: 4, refused: 5 } as const;
export type ResponseCode = (typeof RCODE)[keyof typeof RCODE];

/** One pod behind the Services of the zone. */
export interface ZoneEndpoint {
  /** First label of the pod's own names: the pod's name. */
  readonly hostname: string;
  /** IPv4. */
  readonly address: string;
  readonly ready: boolean;
}

/** A headless Service; every endpoint of the zone stands behind it. */
export interface ZoneService {
  readonly name: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  /** Whether pods that are not ready are listed too. */
  readonly publishNotReadyAddresses: boolean;
}

export interface ZoneAnswer {
  readonly code: ResponseCode;
  /** False where the name is none of the zone's (`refused`). */
  readonly authoritative: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly additionals: readonly Answer[];
}

/** An endpoint under one of its Services' ports: what one record is made of. */
interface Match {
  readonly service: ZoneService;
  readonly endpoint: ZoneEndpoint;
  readonly port: number;
}

const CLUSTER_DOMAIN = "cluster.local";
/** CoreDNS's default for Services. */
const TTL_SECONDS = 5;
/** CoreDNS shares 100 among the targets of one name. */
const TOTAL_WEIGHT = 100;

export class DnsZone {
  readonly #services: readonly ZoneService[];
  readonly #namespace: string;
  #endpoints: readonly ZoneEndpoint[] = [];
  #serial = 1;

  constructor(services: readonly ZoneService[], options: { readonly namespace: string }) {
    this.#services = services;
    this.#namespace = options.namespace;
  }

  setEndpoints(endpoints: readonly ZoneEndpoint[]): void {
    this.#endpoints = endpoints;
    this.#serial += 1;
  }

  /**
   * Answers one question of class IN. Short names ("shop-members", "shop-members.default") are understood without a search list,
   * which a pod's resolv.conf would add. A Service without an endpoint to show does not exist (NXDOMAIN), as with CoreDNS.
   */
  answer(question: { readonly name: string; readonly type: string }): ZoneAnswer {
    const labels = this.#labelsInZone(question.name);
    if (labels === undefined) return { code: RCODE.refused, authoritative: false, answers: [], authorities: [], additionals: [] };
    if (this.#isInnerName(labels)) return this.#empty(RCODE.noError);
    const matches = this.#matches(labels);
    if (matches.length === 0) return this.#empty(RCODE.nonExistentDomain);
    if (question.type === "A") return this.#found(addressRecords(question.name, matches));
    if (question.type === "SRV") return this.#serviceRecords(question.name, matches);
    return this.#empty(RCODE.noError);
  }

  /** The labels before the cluster domain, lower case; undefined when the name belongs to somebody else. */
  #labelsInZone(name: string): string[] | undefined {
    const labels = name.toLowerCase().replace(/\.$/, "").split(".");
    const domain = CLUSTER_DOMAIN.split(".");
    if (domain.every((label, index) => labels[labels.length - domain.length + index] === label)) return labels.slice(0, -domain.length);
    const searched = [[...labels, this.#namespace, "svc"], [...labels, "svc"], labels];
    return searched.find((candidate) => this.#service(candidate) !== undefined);
  }

  /** The domain itself, "svc" and the namespace exist without having records. */
  #isInnerName(labels: readonly string[]): boolean {
    const path = labels.toReversed();
    return path.length <= 2 && [undefined, "svc"].includes(path[0]) && [undefined, this.#namespace].includes(path[1]);
  }

  #service(labels: readonly string[]): ZoneService | undefined {
    const [svc, namespace, serviceName] = labels.toReversed();
    if (svc !== "svc" || namespace !== this.#namespace) return undefined;
    return this.#services.find(({ name }) => name === serviceName);
  }

  /** `<service>.<ns>.svc`, `<pod>.<service>.<ns>.svc` or `_<port>._tcp.<service>.<ns>.svc`. */
  #matches(labels: readonly string[]): Match[] {
    const service = this.#service(labels);
    const rest = labels.slice(0, -3).toReversed();
    if (service === undefined || rest.length > 2) return [];
    const [protocol, port] = rest.length === 2 ? rest : [];
    const hostname = rest.length === 1 ? rest[0] : undefined;
    if (protocol !== undefined && protocol !== "_tcp") return [];
    const ports = port === undefined ? service.ports : service.ports.filter(({ name }) => `_${name}` === port);
    return this.#endpoints
      .filter((endpoint) => hostname === undefined || endpoint.hostname === hostname)
      .filter((endpoint) => endpoint.ready || service.publishNotReadyAddresses)
      .flatMap((endpoint) => ports.map((entry) => ({ service, endpoint, port: entry.port })));
  }

  #serviceRecords(name: string, matches: readonly Match[]): ZoneAnswer {
    const weight = Math.floor(TOTAL_WEIGHT / matches.length);
    const targetOf = ({ endpoint, service }: Match) => `${endpoint.hostname}.${service.name}.${this.#namespace}.svc.${CLUSTER_DOMAIN}`;
    return {
      ...this.#found(
        matches.map((match) => ({
          name,
          type: "SRV",
          class: "IN",
          ttl: TTL_SECONDS,
          data: { priority: 0, weight, port: match.port, target: targetOf(match) },
        })),
      ),
      additionals: matches.flatMap((match) => addressRecords(targetOf(match), [match])),
    };
  }

  #found(answers: readonly Answer[]): ZoneAnswer {
    return { code: RCODE.noError, authoritative: true, answers, authorities: [], additionals: [] };
  }

  /** NODATA or NXDOMAIN: the SOA tells how long that may be remembered (RFC 2308, 3). */
  #empty(code: ResponseCode): ZoneAnswer {
    const soa: SoaAnswer = {
      name: CLUSTER_DOMAIN,
      type: "SOA",
      class: "IN",
      ttl: TTL_SECONDS,
      data: {
        mname: `ns.dns.${CLUSTER_DOMAIN}`,
        rname: `hostmaster.${CLUSTER_DOMAIN}`,
        serial: this.#serial,
        refresh: 7200,
        retry: 1800,
        expire: 86_400,
        minimum: TTL_SECONDS,
      },
    };
    return { code, authoritative: true, answers: [], authorities: [soa], additionals: [] };
  }
}

/** One A record per address, however many ports match. */
function addressRecords(name: string, matches: readonly Match[]): Answer[] {
  const addresses = new Set(matches.map(({ endpoint }) => endpoint.address));
  return [...addresses].map((data) => ({ name, type: "A", class: "IN", ttl: TTL_SECONDS, data }));
}
