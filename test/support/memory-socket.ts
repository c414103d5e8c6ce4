// One end of a TCP connection in memory: node:net's Socket as far as the channel uses it.
import { Duplex } from "node:stream";

/** What the network does with one direction of a connection. */
export interface Outlet {
  /** Takes bytes over; `taken` is called when the kernel has room for them. */
  send(bytes: Buffer, taken: () => void): void;
  /** Nothing follows. What the kernel has taken arrives first; what it has not is lost when `cut`. */
  finish(cut: boolean): void;
}

export class MemorySocket extends Duplex {
  /** Where the other end is. */
  readonly remoteAddress: string;
  /** Bytes that were read: the sender gets room. */
  onRead: (bytes: number) => void = () => undefined;
  onDestroy: () => void = () => undefined;
  #outlet: Outlet | undefined;
  #waitingWrite: (() => void) | undefined;
  readonly #received: Buffer[] = [];
  #ended = false;
  #wantsData = false;

  constructor(remoteAddress: string, outlet?: Outlet) {
    super({ allowHalfOpen: false });
    this.remoteAddress = remoteAddress;
    this.#outlet = outlet;
  }

  /** Bytes in the kernel that the process has not read. */
  get hasUnread(): boolean {
    return this.#received.length > 0;
  }

  connected(outlet: Outlet): void {
    if (this.destroyed) {
      outlet.finish(true);
      return;
    }
    this.#outlet = outlet;
    this.emit("connect");
    const waiting = this.#waitingWrite;
    this.#waitingWrite = undefined;
    waiting?.();
  }

  received(bytes: Buffer): void {
    if (this.destroyed) return;
    this.#received.push(bytes);
    this.#deliver();
  }

  /** The other end has finished. */
  finished(): void {
    this.#ended = true;
    this.#deliver();
  }

  failed(code: string): void {
    if (!this.destroyed) this.destroy(Object.assign(new Error(code), { code }));
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  override _read(): void {
    this.#wantsData = true;
    this.#deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#whenConnected(() => {
      this.#outlet!.finish(false);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#outlet?.finish(true);
    this.#received.length = 0;
    this.onDestroy();
    done(error);
  }

  #send(bytes: Buffer, done: () => void): void {
    // The process may use the memory again once the kernel has it.
    this.#whenConnected(() => this.#outlet!.send(Buffer.from(bytes), done));
  }

  #whenConnected(task: () => void): void {
    if (this.#outlet === undefined) this.#waitingWrite = task;
    else task();
  }

  #deliver(): void {
    while (this.#wantsData && this.#received.length > 0) {
      const bytes = this.#received.shift()!;
      this.#wantsData = this.push(bytes);
      this.onRead(bytes.length);
    }
    if (this.#ended && this.#received.length === 0 && !this.readableEnded && !this.destroyed) {
      this.#ended = false;
      this.push(null);
    }
  }
}
