// Where the processes of a cluster live: on loopback addresses, or each worker in a network namespace that can be cut off.
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { claimNetwork } from "../../src/local/loopback-network.ts";

export interface ProcessNetwork {
  /** Of DNS server and balancer's management port; workers reach it. */
  readonly hostAddress: string;
  /** IPv4; further ones than there are workers are free for members that a test makes. */
  memberAddress(index: number): string;
  /** What stands before the command of this worker. */
  commandPrefix(worker: number): readonly string[];
  release(): Promise<void>;
}

/** The DNS port of `local`: whoever has it on a network's first address owns the network. */
const CLAIM_PORT = 8053;
const WORKER_PORTS = [8080, 4000, 9090];
/** Of members that tests make beside the workers. */
const EXTRA_MEMBERS = 1;

export async function loopbackNetwork(workers: number): Promise<ProcessNetwork> {
  const claim = async (address: string, port: number) => {
    const server = createServer();
    await new Promise<void>((resolve, reject) => void server.once("error", reject).listen({ host: address, port }, resolve));
    const close = promisify(server.close.bind(server));
    return { start: async () => undefined, stop: () => close() };
  };
  const { network, claim: held } = await claimNetwork(
    {
      claim: ({ balancerAddress }) => claim(balancerAddress, CLAIM_PORT),
      probe: async (address, port) => (await claim(address, port)).stop(),
    },
    { workers: workers + EXTRA_MEMBERS, workerPorts: WORKER_PORTS, balancerPorts: [WORKER_PORTS[2]!] },
  );
  return {
    hostAddress: network.balancerAddress,
    memberAddress: (index) => network.workerAddress(index),
    commandPrefix: () => [],
    release: () => held.stop(),
  };
}

/** What is missing for NamespaceNetwork, in a few words, or undefined. */
export function namespacesMissing(): string | undefined {
  if (process.platform !== "linux") return "only Linux has network namespaces";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const name = `tc-try-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (made.error) return "the command ip was not found: install iproute2";
  if (made.status !== 0) return `network namespaces cannot be made here: ${made.stderr.trim()}`;
  run(["netns", "delete", name]);
  return undefined;
}

/**
 * A bridge in a namespace of its own, joined to this one by one link, and a namespace per worker with a link to the bridge. Addresses are
 * of 198.18.0.0/15, which is for tests of networks (RFC 2544). All of it has the process id in its name and is gone after `release`.
 */
export class NamespaceNetwork implements ProcessNetwork {
  static #made = 0;
  readonly #id: string;
  readonly #subnet: string;
  readonly #workers: number;
  /** Nothing stays behind when the process ends before `release`. */
  readonly #removeAtExit = () => this.#remove();

  private constructor(id: string, subnet: string, workers: number) {
    this.#id = id;
    this.#subnet = subnet;
    this.#workers = workers;
  }

  /** Throws when a command fails; nothing is left then. */
  static create(workers: number): NamespaceNetwork {
    const number = NamespaceNetwork.#made++;
    const network = new NamespaceNetwork(`tc${process.pid}-${number}`, `198.18.${(process.pid + number) % 256}`, workers);
    process.on("exit", network.#removeAtExit);
    try {
      network.#make();
    } catch (error) {
      void network.release();
      throw error;
    }
    return network;
  }

  get hostAddress(): string {
    return `${this.#subnet}.1`;
  }

  /** Of the host too: of 2001:2::/48, the same for IPv6 (RFC 5180); written as an API server wants it (RFC 5952), hence a subnet that is never 0. */
  get hostAddress6(): string {
    return `2001:2:0:1${this.#subnet.split(".")[2]?.padStart(3, "0")}::1`;
  }

  memberAddress(index: number): string {
    return `${this.#subnet}.${index + 2}`;
  }

  commandPrefix(worker: number): readonly string[] {
    return ["ip", "netns", "exec", this.#worker(worker)];
  }

  /** Nothing reaches this worker and nothing leaves it; no packet is answered. */
  takeLinkDown(worker: number): void {
    run(["-n", this.#hub, "link", "set", `port${worker}`, "down"]);
  }

  takeLinkUp(worker: number): void {
    run(["-n", this.#hub, "link", "set", `port${worker}`, "up"]);
  }

  /**
   * What this worker and the others send each other gets lost, while balancer and DNS server reach them all: for each other the
   * neighbour's link address becomes one that nobody has, so that nothing says that it failed.
   */
  cutOff(worker: number): void {
    for (const [from, to] of this.#pairsOf(worker)) {
      const nobody = ["lladdr", "02:00:00:00:00:fe", "dev", "eth0", "nud", "permanent"];
      run(["-n", this.#worker(from), "neighbour", "replace", this.memberAddress(to), ...nobody]);
    }
  }

  join(worker: number): void {
    for (const [from, to] of this.#pairsOf(worker)) {
      run(["-n", this.#worker(from), "neighbour", "delete", this.memberAddress(to), "dev", "eth0"]);
    }
  }

  async release(): Promise<void> {
    process.off("exit", this.#removeAtExit);
    this.#remove();
  }

  get #hub(): string {
    return `${this.#id}-hub`;
  }

  /** At most 15 characters, as an interface's name may have. */
  get #uplink(): string {
    return this.#id;
  }

  #worker(index: number): string {
    return `${this.#id}-w${index}`;
  }

  #make(): void {
    const hub = this.#hub;
    run(["netns", "add", hub]);
    run(["-n", hub, "link", "add", "bridge", "type", "bridge"]);
    run(["-n", hub, "link", "set", "bridge", "up"]);
    run(["link", "add", this.#uplink, "type", "veth", "peer", "name", "uplink", "netns", hub]);
    run(["address", "add", `${this.hostAddress}/24`, "dev", this.#uplink]);
    run(["address", "add", `${this.hostAddress6}/64`, "dev", this.#uplink, "nodad"]);
    run(["link", "set", this.#uplink, "up"]);
    run(["-n", hub, "link", "set", "uplink", "master", "bridge", "up"]);
    for (let index = 0; index < this.#workers; index++) {
      const worker = this.#worker(index);
      run(["netns", "add", worker]);
      run(["-n", worker, "link", "set", "lo", "up"]);
      run(["-n", worker, "link", "add", "eth0", "type", "veth", "peer", "name", `port${index}`, "netns", hub]);
      run(["-n", worker, "address", "add", `${this.memberAddress(index)}/24`, "dev", "eth0"]);
      run(["-n", worker, "link", "set", "eth0", "up"]);
      run(["-n", hub, "link", "set", `port${index}`, "master", "bridge", "up"]);
    }
  }

  /** Links go with their namespaces. What was not made is no error. */
  #remove(): void {
    for (let index = 0; index < this.#workers; index++) spawnSync("ip", ["netns", "delete", this.#worker(index)]);
    spawnSync("ip", ["netns", "delete", this.#hub]);
    spawnSync("ip", ["link", "delete", this.#uplink]);
  }

  #pairsOf(worker: number): [number, number][] {
    const others = Array.from({ length: this.#workers }, (_, index) => index).filter((index) => index !== worker);
    return others.flatMap((other): [number, number][] => [
      [worker, other],
      [other, worker],
    ]);
  }
}

function run(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
}
