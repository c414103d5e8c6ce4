// Name look-up that tells "there is no such address" from "nobody could tell" (rules 1 and 2 of the promise).

import { Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { systemErrorCode, TomcatClusterError } from "./errors.ts";

/**
 * `found`: a definitive answer with at least one record. `absent`: a definitive answer without one (NXDOMAIN, NODATA).
 * `unavailable`: a time-out, SERVFAIL, REFUSED or no server: no news about anybody.
 */
export type LookUp<T> =
  | { readonly kind: "found"; readonly records: readonly T[] }
  | { readonly kind: "absent" }
  | { readonly kind: "unavailable"; readonly reason: string };

export interface ServiceRecord {
  /** Name of the target, without a final dot. */
  readonly target: string;
  readonly port: number;
  readonly weight: number;
  readonly priority: number;
}

export type AddressFamily = 4 | 6;

export interface NameResolver {
  /** The A (4) or AAAA (6) records of a name. Never rejects. */
  addresses(name: string, family: AddressFamily): Promise<LookUp<string>>;
  /** The SRV records of a name such as `_http._tcp.shop-workers`. Never rejects. */
  services(name: string): Promise<LookUp<ServiceRecord>>;
}

export interface DnsNameResolverOptions {
  /** `host:port` or `host` of a DNS server to ask in place of resolv.conf's. */
  server?: string;
  /** One attempt of one query; default 1000. */
  timeoutMs?: number;
  /** Where `search` domains are read from; default /etc/resolv.conf, and none when `server` is given. */
  resolvConf?: string;
}

/** Thrown for a `server` that is no address of a DNS server. */
export class DnsServerAddressError extends TomcatClusterError {
  readonly code = "DNS_SERVER_ADDRESS";

  constructor(server: string, options: ErrorOptions) {
    super(
      `"${server}" is not the address of a DNS server: write its IP address, and a port after a colon where it is not 53, for instance 127.0.0.1:8053`,
      options,
    );
  }
}

const ABSENT_CODES = new Set(["ENOTFOUND", "ENODATA"]);

/**
 * Asks DNS servers directly: `dns.lookup` would block the thread pool and can be given no server. The search list of
 * resolv.conf is applied here, the name as it stands first. Where nobody can tell about that one, which a cluster's DNS server hands on
 * to the world outside, a search domain may still have the answer.
 */
export class DnsNameResolver implements NameResolver {
  readonly #resolver: Resolver;
  readonly #resolvConf: string | undefined;
  #searchDomains: Promise<readonly string[]> | undefined;

  /** Throws DnsServerAddressError. */
  constructor(options: DnsNameResolverOptions = {}) {
    this.#resolver = new Resolver({ timeout: options.timeoutMs ?? 1000, tries: 1 });
    if (options.server) this.#setServer(options.server);
    this.#resolvConf = options.resolvConf ?? (options.server ? undefined : "/etc/resolv.conf");
  }

  addresses(name: string, family: AddressFamily): Promise<LookUp<string>> {
    return this.#search(name, (candidate) => (family === 4 ? this.#resolver.resolve4(candidate) : this.#resolver.resolve6(candidate)));
  }

  services(name: string): Promise<LookUp<ServiceRecord>> {
    return this.#search(name, async (candidate) =>
      (await this.#resolver.resolveSrv(candidate)).map((record) => ({
        target: record.name.replace(/\.$/, ""),
        port: record.port,
        weight: record.weight,
        priority: record.priority,
      })),
    );
  }

  #setServer(server: string): void {
    try {
      this.#resolver.setServers([server]);
    } catch (error) {
      throw new DnsServerAddressError(server, { cause: error });
    }
  }

  async #search<T>(name: string, query: (candidate: string) => Promise<readonly T[]>): Promise<LookUp<T>> {
    const absolute = name.endsWith(".") ? name.slice(0, -1) : undefined;
    if (absolute !== undefined) return ask(absolute, query);
    const asItStands = await ask(name, query);
    if (asItStands.kind === "found") return asItStands;
    for (const domain of await this.#domains()) {
      const answer = await ask(`${name}.${domain}`, query);
      if (answer.kind !== "absent") return answer;
    }
    return asItStands;
  }

  #domains(): Promise<readonly string[]> {
    this.#searchDomains ??= this.#resolvConf === undefined ? Promise.resolve([]) : readSearchDomains(this.#resolvConf);
    return this.#searchDomains;
  }
}

async function ask<T>(name: string, query: (name: string) => Promise<readonly T[]>): Promise<LookUp<T>> {
  try {
    const records = await query(name);
    return records.length === 0 ? { kind: "absent" } : { kind: "found", records };
  } catch (error) {
    const code = systemErrorCode(error) ?? String(error);
    return ABSENT_CODES.has(code) ? { kind: "absent" } : { kind: "unavailable", reason: code };
  }
}

/** The last `search` or `domain` line counts (resolv.conf(5)); a missing file means an empty list. */
async function readSearchDomains(path: string): Promise<readonly string[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
  let domains: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === "search" || keyword === "domain") domains = values.filter((value) => value !== ".");
  }
  return domains;
}
