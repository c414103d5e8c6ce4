// Which host a request is for: name and aliases, compared without case and port; the default host for any other name.
import type { IncomingMessage } from "node:http";
import type { Host } from "./host.ts";

const PORT = /:\d*$/;

export class HostTable {
  readonly #byName = new Map<string, Host>();
  readonly #default: Host;
  readonly #single: boolean;

  /** Without a host of the default name the first one is the default. */
  constructor(hosts: readonly Host[], defaultName: string) {
    for (const host of hosts) {
      for (const name of [host.name, ...host.aliases]) this.#byName.set(name.toLowerCase(), host);
    }
    this.#default = this.#byName.get(defaultName.toLowerCase()) ?? hosts[0]!;
    this.#single = hosts.length === 1;
  }

  /** `authority` is that of a target in absolute form, which counts more than the Host field (RFC 9112, 3.2.2). */
  find(request: IncomingMessage, authority: string | undefined): Host {
    if (this.#single) return this.#default;
    const name = (authority ?? request.headers.host ?? "").replace(PORT, "").toLowerCase();
    return this.#byName.get(name) ?? this.#byWildcard(name) ?? this.#default;
  }

  /** "*.example.com" stands for one label (Tomcat: Mapper). */
  #byWildcard(name: string): Host | undefined {
    const dot = name.indexOf(".");
    return dot === -1 ? undefined : this.#byName.get(`*${name.slice(dot)}`);
  }
}
