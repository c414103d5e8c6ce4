// The address that a receiver with address "auto" listens on and announces.
import { lookup } from "node:dns/promises";
import { hostname, networkInterfaces } from "node:os";
import { addressBytes, addressText, canonicalAddress, isLoopback } from "../wire/ip-address.ts";

export interface InterfaceAddress {
  readonly address: string;
  readonly internal: boolean;
}

/**
 * The address of this machine's host name, as Tomcat announces it; in a pod that is the pod's address. Where the name means only
 * loopback (Debian's 127.0.1.1) or an address of no interface here, the first address of an interface, IPv4 before IPv6, is better:
 * others can reach it. 127.0.0.1 when the machine has no other.
 */
export async function localAddress(): Promise<string> {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return chooseLocalAddress(await hostNameAddresses(), interfaces);
}

/** Pure part of `localAddress`. */
export function chooseLocalAddress(hostNameAddresses: readonly string[], interfaces: readonly InterfaceAddress[]): string {
  const own = interfaces.filter(({ internal }) => !internal).flatMap(({ address }) => reachable(address));
  const named = hostNameAddresses.map(canonicalAddress).find((address) => own.includes(address));
  return named ?? own.find((address) => !address.includes(":")) ?? own[0] ?? "127.0.0.1";
}

/** IPv6 link-local addresses mean nothing without a zone, and a member block has none. */
function reachable(address: string): string[] {
  const bytes = addressBytes(address);
  if (!bytes || isLoopback(bytes)) return [];
  const linkLocal = bytes.length === 16 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
  return linkLocal ? [] : [addressText(bytes)];
}

/** Once, at start: the system's own look-up, since /etc/hosts says it in pods. Rule 1 speaks of finding others. */
async function hostNameAddresses(): Promise<string[]> {
  try {
    return (await lookup(hostname(), { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}
