// What a local cluster runs, worked out from a manifest before anything starts.

import type { ZoneService } from "./dns-zone.ts";

export interface ClusterPlan {
  readonly name: string;
  readonly namespace: string;
  /** Pod names, which are the workers' routes too: "shop-0", "shop-1" … */
  readonly workers: readonly string[];
  readonly httpPort: number;
  readonly receiverPort: number;
  /** What DNS tells about the cluster. */
  readonly services: readonly ZoneService[];
  /** The Service whose addresses are the group's members. */
  readonly membersName: string;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
  /** Context paths of the applications, "" for the root one. */
  readonly paths: readonly string[];
  /** What the manifest says and this machine does otherwise or not at all, a line each. */
  readonly notices: readonly string[];
  /** Whether messages between workers are encrypted, with a key that each run makes. */
  readonly encrypted: boolean;
  /** server.xml of every worker, with the folder of the channel's keys; differences between them come from the environment. */
  serverXml(channelKeyDirectory: string): string;
  /** Settings of the balancer, for the addresses of this network. */
  balancerSettings(addresses: BalancerAddresses): unknown;
}

export interface BalancerAddresses {
  readonly address: string;
  readonly port: number;
  readonly managementAddress: string;
  readonly managementPort: number;
  /** host:port of the DNS server. */
  readonly dnsServer: string;
}
