// A network that carries multicast, in memory and in virtual time.
import type { Socket, SocketOptions } from "node:dgram";
import { EventEmitter } from "node:events";
import type { DatagramSockets } from "../../src/channel/membership/group-socket.ts";
import type { MemoryHost } from "./memory-sockets.ts";
import type { VirtualTime } from "./virtual-time.ts";

const DELAY_MS = 1;

/** Every socket that has joined gets what is sent to its port, the sender's own too. */
export class MemoryGroup {
  /** Every datagram, in order. */
  readonly sent: Buffer[] = [];
  /** What sending and joining fail with at an address; default: nothing does. */
  failure: (address: string) => Error | undefined = () => undefined;
  /** Whether a datagram from one address reaches another. */
  carries: (from: string, to: string) => boolean = () => true;
  readonly #time: VirtualTime;
  readonly #sockets = new Set<MemoryGroupSocket>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Of the process at this address. */
  socketsOf(host: MemoryHost): DatagramSockets {
    return (options) => new MemoryGroupSocket(this, host, options) as unknown as Socket;
  }

  join(socket: MemoryGroupSocket): void {
    this.#sockets.add(socket);
  }

  leave(socket: MemoryGroupSocket): void {
    this.#sockets.delete(socket);
  }

  /** From `from`, or from anybody. */
  carry(bytes: Buffer, port: number, from: string): void {
    this.sent.push(bytes);
    this.#time.after(DELAY_MS, () => {
      for (const socket of [...this.#sockets]) {
        if (socket.port === port && this.carries(from, socket.host.address)) socket.host.tell(() => socket.emit("message", bytes));
      }
    });
  }
}

class MemoryGroupSocket extends EventEmitter {
  readonly host: MemoryHost;
  readonly options: SocketOptions;
  readonly #group: MemoryGroup;
  port = 0;

  constructor(group: MemoryGroup, host: MemoryHost, options: SocketOptions) {
    super();
    this.#group = group;
    this.host = host;
    this.options = options;
  }

  bind({ port }: { port: number }, bound: () => void): void {
    this.port = port;
    queueMicrotask(bound);
  }

  addMembership(): void {
    const failure = this.#group.failure(this.host.address);
    if (failure) throw failure;
    this.#group.join(this);
  }

  setMulticastInterface(): void {
    // There is one.
  }

  setMulticastLoopback(): void {
    // Whatever is sent comes back.
  }

  setMulticastTTL(): void {
    // It goes everywhere.
  }

  send(bytes: Buffer, port: number, _address: string, sent: (error: Error | null) => void): void {
    const failure = this.host.alive ? this.#group.failure(this.host.address) : new Error("dead");
    if (!failure) this.#group.carry(bytes, port, this.host.address);
    queueMicrotask(() => sent(failure ?? null));
  }

  close(closed?: () => void): void {
    this.#group.leave(this);
    if (closed) queueMicrotask(closed);
  }
}
