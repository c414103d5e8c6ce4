// The TCP connection of a lane: opens, writes, reads acknowledgements, tells when it is gone.
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/index.ts";
import type { Member } from "../channel.ts";
import { FramingError } from "../errors.ts";
import { isAck, isFailAck } from "../wire/acknowledgement.ts";
import type { OutgoingFrame } from "../wire/channel-data.ts";
import { FrameDecoder } from "../wire/frame.ts";
import { Fifo } from "./fifo.ts";
import type { Sockets } from "./sockets.ts";

export interface LaneConnectionDeps {
  readonly clock: Clock;
  readonly sockets: Sockets;
}

export interface LaneConnectionOptions {
  readonly connectTimeoutMs: number;
  readonly tcpNoDelay: boolean;
  readonly soKeepAlive: boolean;
  /** The address to connect from; unset: the system chooses. */
  readonly localAddress?: string;
}

/** None of these is called after `close`, and nothing after `lost`. */
export interface LaneConnectionListener {
  connected(): void;
  /** The system has taken what was written, up to and with this many frames since the connection began. */
  written(frames: number): void;
  /** `true` for ACK, `false` for FAIL_ACK; all of one read in order. */
  acknowledged(results: readonly boolean[]): void;
  /** Refused, broken, or closed by the peer. */
  lost(error: Error): void;
}

/** Peers write acknowledgements only; anything longer is not one. */
const MAX_REPLY_BYTES = 1024;
/** Frames are copied together up to here: one buffer costs less than a list of small ones. */
const MAX_BATCH_BYTES = 64 * 1024;
/** What the socket may hold that the system does not take; the rest waits here, so that progress can be seen. */
const MAX_UNSENT_BYTES = 256 * 1024;

export class LaneConnection {
  readonly #listener: LaneConnectionListener;
  readonly #socket: Socket;
  readonly #replies = new FrameDecoder(MAX_REPLY_BYTES);
  /** Frames that the socket has not got yet. */
  readonly #waiting = new Fifo<OutgoingFrame>();
  #writtenFrames = 0;
  #connectTimer: Timer | undefined;
  #connected = false;
  #error: Error | undefined;
  #over = false;

  constructor(deps: LaneConnectionDeps, member: Member, options: LaneConnectionOptions, listener: LaneConnectionListener) {
    this.#listener = listener;
    this.#socket = deps.sockets.connect({
      host: member.address,
      port: member.port,
      noDelay: options.tcpNoDelay,
      keepAlive: options.soKeepAlive,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    });
    this.#connectTimer = deps.clock.setTimeout(() => this.#giveUp(options.connectTimeoutMs), options.connectTimeoutMs);
    this.#socket.on("connect", () => this.#onConnect());
    this.#socket.on("data", (chunk) => this.#onData(chunk));
    this.#socket.on("end", () => this.#socket.destroy());
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.on("close", () => this.#onClose());
  }

  get connected(): boolean {
    return this.#connected && !this.#over;
  }

  /** Takes its place behind the frames before it; `send` writes. */
  add(frame: OutgoingFrame): void {
    this.#waiting.push(frame);
  }

  /** Writes everything that was added, with one system call where it is not much; what does not fit leaves when there is room. */
  send(): void {
    while (this.#waiting.length > 0 && this.#socket.writableLength < MAX_UNSENT_BYTES) this.#writeBatch();
  }

  /** Closes and calls nothing any more; lets what was written leave first when `gracefully`. Resolves when the socket is closed. */
  close(gracefully: boolean): Promise<void> {
    this.#over = true;
    this.#connectTimer?.cancel();
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once("close", () => resolve());
      if (gracefully && this.#connected) this.#socket.destroySoon();
      else this.#socket.destroy();
    });
  }

  #writeBatch(): void {
    const parts: Buffer[] = [];
    let count = 0;
    let bytes = 0;
    for (let frame = this.#waiting.peek(); frame; frame = this.#waiting.peek()) {
      if (bytes > 0 && bytes + frame.length > MAX_BATCH_BYTES) break;
      parts.push(...frame.parts);
      count++;
      bytes += frame.length;
      this.#waiting.shift();
    }
    const written = (error?: Error | null) => {
      if (!error) this.#onWritten(count);
    };
    if (bytes > MAX_BATCH_BYTES) this.#writeParts(parts, written);
    else this.#socket.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes), written);
  }

  /** With one system call, and without a copy. */
  #writeParts(parts: readonly Buffer[], written: (error?: Error | null) => void): void {
    this.#socket.cork();
    for (const part of parts.slice(0, -1)) this.#socket.write(part);
    this.#socket.write(parts.at(-1)!, written);
    this.#socket.uncork();
  }

  #onWritten(frames: number): void {
    if (this.#over) return;
    this.#writtenFrames += frames;
    this.#listener.written(this.#writtenFrames);
    this.send();
  }

  /** When our own event loop was blocked, the kernel may have connected long ago: it is asked before the time counts as over. */
  #giveUp(timeoutMs: number): void {
    setImmediate(() => {
      if (!this.#connected && !this.#over) this.#socket.destroy(new Error(`not connected within ${timeoutMs} ms`));
    });
  }

  #onConnect(): void {
    this.#connectTimer?.cancel();
    this.#connected = true;
    if (!this.#over) this.#listener.connected();
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return;
    const results: boolean[] = [];
    try {
      this.#replies.push(chunk);
      for (let payload = this.#replies.next(); payload; payload = this.#replies.next()) {
        if (isAck(payload)) results.push(true);
        else if (isFailAck(payload)) results.push(false);
      }
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      this.#socket.destroy(error);
    }
    if (results.length > 0) this.#listener.acknowledged(results);
  }

  #onClose(): void {
    this.#connectTimer?.cancel();
    if (this.#over) return;
    this.#over = true;
    this.#listener.lost(this.#error ?? new Error("closed by the member"));
  }
}
