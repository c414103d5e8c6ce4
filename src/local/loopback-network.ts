// Loopback addresses in place of pod addresses: 127.0.K.0/24, .1 for the balancer, .2 and up for the workers.
import { createServer } from "node:net";
import { type Lifecycle, systemErrorCode } from "../base/index.ts";
import { LoopbackAliasError, NetworkFormatError, NetworkInUseError } from "./errors.ts";

const FIRST_SUBNET = 5;
const LAST_SUBNET = 254;

export class LoopbackNetwork {
  readonly #subnet: number;

  constructor(subnet: number) {
    this.#subnet = subnet;
  }

  get cidr(): string {
    return `127.0.${this.#subnet}.0/24`;
  }

  get balancerAddress(): string {
    return this.#address(1);
  }

  workerAddress(ordinal: number): string {
    return this.#address(ordinal + 2);
  }

  #address(host: number): string {
    return `127.0.${this.#subnet}.${host}`;
  }
}

/** Throws NetworkFormatError. */
export function parseNetwork(text: string): LoopbackNetwork {
  const subnet = Number(/^127\.0\.(\d{1,3})\.0\/24$/.exec(text)?.[1]);
  if (!(subnet >= 1 && subnet <= LAST_SUBNET)) throw new NetworkFormatError(text);
  return new LoopbackNetwork(subnet);
}

export interface NetworkClaimDeps {
  /** Binds what only one cluster can have on the network, and so makes it ours; rejects with EADDRINUSE when another has it. */
  claim(network: LoopbackNetwork): Promise<Lifecycle>;
  /** Resolves when the address and port are free; rejects with the system's error. */
  probe(address: string, port: number): Promise<void>;
}

export interface NetworkClaimOptions {
  /** The only network to try; unset: the first free one from 127.0.5.0/24. */
  readonly network?: LoopbackNetwork;
  readonly workers: number;
  readonly workerPorts: readonly number[];
  readonly balancerPorts: readonly number[];
}

/**
 * Finds a network whose addresses are all free and claims it: two clusters that start at the same moment get different ones.
 * The caller stops the claim. Throws NetworkInUseError and LoopbackAliasError; nothing stays bound then.
 */
export async function claimNetwork(
  deps: NetworkClaimDeps,
  options: NetworkClaimOptions,
): Promise<{ network: LoopbackNetwork; claim: Lifecycle }> {
  const candidates = options.network ? [options.network] : subnets();
  let taken: { where: string; cause: unknown } | undefined;
  for (const network of candidates) {
    const endpoints = [
      ...options.balancerPorts.map((port) => ({ address: network.balancerAddress, port })),
      ...Array.from({ length: options.workers }, (_, ordinal) => network.workerAddress(ordinal)).flatMap((address) =>
        options.workerPorts.map((port) => ({ address, port })),
      ),
    ];
    let where = `the DNS port of ${network.balancerAddress}`;
    let claim: Lifecycle | undefined;
    try {
      claim = await deps.claim(network);
      for (const { address, port } of endpoints) {
        where = `${address}:${port}`;
        await deps.probe(address, port);
      }
      return { network, claim };
    } catch (error) {
      await claim?.stop();
      const code = systemErrorCode(error);
      if (code === "EADDRNOTAVAIL") throw new LoopbackAliasError([...new Set(endpoints.map(({ address }) => address))], { cause: error });
      if (code !== "EADDRINUSE") throw error;
      taken ??= { where, cause: error };
    }
  }
  const tried = options.network?.cidr ?? `127.0.${FIRST_SUBNET}.0/24 to 127.0.${LAST_SUBNET}.0/24`;
  throw new NetworkInUseError(tried, taken?.where ?? "every address", { cause: taken?.cause });
}

function subnets(): LoopbackNetwork[] {
  return Array.from({ length: LAST_SUBNET - FIRST_SUBNET + 1 }, (_, index) => new LoopbackNetwork(FIRST_SUBNET + index));
}

/** Listens for a moment. Resolves with the port that was bound, which tells a free one for port 0. */
export function probePort(address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === "object" && bound ? bound.port : port));
    });
  });
}
