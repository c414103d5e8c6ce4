// The datagram socket of a multicast group: joins it on a chosen interface, and comes back when the network fails (tribes.md 11.1).
import { createSocket, type Socket, type SocketOptions } from "node:dgram";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { asError, type Clock, type Lifecycle, type Logger, systemErrorCode, type Timer } from "../../base/index.ts";
import { MulticastFailedError } from "../stack-errors.ts";
import { canonicalAddress, isLoopbackText } from "../wire/ip-address.ts";

/** As `createSocket` of node:dgram; a port, so that a test can put a network in memory below. */
export type DatagramSockets = (options: SocketOptions) => Socket;

export interface GroupSocketDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: those of node:dgram. */
  readonly datagrams?: DatagramSockets;
  readonly onDatagram: (bytes: Buffer) => void;
}

export interface GroupSocketOptions {
  /** Of the group. */
  readonly address: string;
  readonly port: number;
  /** An address of the interface to send and to listen on; unset: the system chooses. */
  readonly bind?: string;
  /** Unset: the system's. */
  readonly ttl?: number;
  /** Whether what is sent here is not received on this machine. */
  readonly localLoopbackDisabled: boolean;
  readonly recoveryEnabled: boolean;
  /** Failures in a row after which the socket is made anew; default 10. */
  readonly recoveryCounter: number;
  /** Between two attempts to make it; default 5000. */
  readonly recoverySleepMs: number;
}

export class GroupSocket implements Lifecycle {
  readonly #deps: GroupSocketDeps;
  readonly #options: GroupSocketOptions;
  #socket: Socket | undefined;
  /** In a row; a network may carry the one and not the other. */
  readonly #failures = { sending: 0, receiving: 0 };
  #retry: Timer | undefined;
  #stopped = false;

  constructor(deps: GroupSocketDeps, options: GroupSocketOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Throws MulticastFailedError where no interface of this machine has the address of `bind`. */
  check(): void {
    const { address, bind } = this.#options;
    if (bind === undefined || interfaceOf(bind) !== undefined || isLoopbackText(bind)) return;
    const there = interfaces().map((one) => one.address);
    throw new MulticastFailedError(
      address,
      this.#options.port,
      `no interface here has the address "${bind}" of "bind": there are ${there.join(", ")}`,
    );
  }

  /** Resolves when the group is joined. Rejects with MulticastFailedError. */
  async start(): Promise<void> {
    this.#socket = await this.#open();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#close();
  }

  /** Resolves when the system has the datagram; rejects when it refuses it, or while the socket is made anew. */
  async send(bytes: Buffer): Promise<void> {
    const socket = this.#socket;
    const { address, port } = this.#options;
    if (socket === undefined) throw new MulticastFailedError(address, port, "its socket is being made anew");
    try {
      await new Promise<void>((resolve, reject) => socket.send(bytes, port, address, (error) => (error ? reject(error) : resolve())));
      this.#failures.sending = 0;
    } catch (error) {
      this.#failed(socket, asError(error), "sending");
      throw error;
    }
  }

  async #open(): Promise<Socket> {
    const { address, port, bind } = this.#options;
    // Bound to the group's address, a socket takes nothing that is sent to another group's; not every system can.
    const first = bind === undefined ? undefined : await this.#join(address).catch(unlessNoSuchAddress);
    try {
      return first ?? (await this.#join(undefined));
    } catch (error) {
      throw new MulticastFailedError(address, port, asError(error).message, { cause: error });
    }
  }

  async #join(address: string | undefined): Promise<Socket> {
    const { port } = this.#options;
    const type = isIPv6(this.#options.address) ? "udp6" : "udp4";
    const socket = (this.#deps.datagrams ?? createSocket)({ type, reuseAddr: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject);
        socket.bind(address === undefined ? { port } : { port, address }, () => {
          socket.off("error", reject);
          resolve();
        });
      });
      this.#configure(socket);
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.on("error", (error) => this.#failed(socket, error, "receiving"));
    socket.on("message", (bytes) => {
      this.#failures.receiving = 0;
      this.#deps.onDatagram(bytes);
    });
    return socket;
  }

  #configure(socket: Socket): void {
    const { address, bind, ttl, localLoopbackDisabled } = this.#options;
    const on = bind === undefined ? undefined : isIPv6(address) ? `::%${interfaceOf(bind) ?? ""}` : bind;
    socket.addMembership(address, on);
    if (on !== undefined) socket.setMulticastInterface(on);
    socket.setMulticastLoopback(!localLoopbackDisabled);
    if (ttl !== undefined) socket.setMulticastTTL(ttl);
  }

  #failed(socket: Socket, error: Error, what: "sending" | "receiving"): void {
    const { recoveryCounter, recoveryEnabled } = this.#options;
    if (this.#stopped || socket !== this.#socket) return;
    const failures = ++this.#failures[what];
    const fields = { err: error, what, failures };
    if (failures === 1) this.#deps.logger.warn(fields, "Multicast failed");
    else this.#deps.logger.debug(fields, "Multicast failed again");
    if (recoveryEnabled && failures >= recoveryCounter) void this.#recover();
  }

  async #recover(): Promise<void> {
    Object.assign(this.#failures, { sending: 0, receiving: 0 });
    await this.#close();
    if (this.#stopped) return;
    try {
      const socket = await this.#open();
      this.#socket = socket;
      if (this.#stopped) await this.#close();
      else this.#deps.logger.info({}, "Multicast works again");
    } catch (error) {
      const { recoverySleepMs } = this.#options;
      this.#deps.logger.warn({ err: asError(error), retryMs: recoverySleepMs }, "Multicast does not recover yet");
      if (!this.#stopped) this.#retry = this.#deps.clock.setTimeout(() => void this.#recover(), recoverySleepMs);
    }
  }

  #close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    return new Promise((resolve) => {
      if (socket) socket.close(resolve);
      else resolve();
    });
  }
}

function interfaces(): { readonly name: string; readonly address: string }[] {
  return Object.entries(networkInterfaces()).flatMap(([name, all]) => (all ?? []).map(({ address }) => ({ name, address })));
}

/** Name of the interface with this address. */
function interfaceOf(address: string): string | undefined {
  return interfaces().find((one) => canonicalAddress(one.address) === canonicalAddress(address))?.name;
}

function unlessNoSuchAddress(error: unknown): undefined {
  if (systemErrorCode(error) !== "EADDRNOTAVAIL" && systemErrorCode(error) !== "EINVAL") throw error;
}
