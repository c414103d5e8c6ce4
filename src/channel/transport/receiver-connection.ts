// One connection from a member: its frames are delivered one after the other, and acknowledged as they ask (tribes.md 3, 7).
import type { Socket } from "node:net";
import { asError, type Logger } from "../../base/index.ts";
import type { Acknowledge, ChannelMessage } from "../channel.ts";
import { FramingError, MalformedMessageError, QuietRefusalError } from "../errors.ts";
import { ACK, FAIL_ACK } from "../wire/acknowledgement.ts";
import { ChannelDataDecoder } from "../wire/channel-data.ts";
import { FrameDecoder } from "../wire/frame.ts";
import { addressBytes } from "../wire/ip-address.ts";
import { acknowledgeOf } from "../wire/options.ts";
import { AddressMismatchError, checkAddress } from "./check-address.ts";
import type { MessageIntake, OnRefused } from "./message-intake.ts";
import type { ReceiveFailure, TransportMetrics } from "./transport-metrics.ts";
import type { UnidentifiedPeers } from "./unidentified-peers.ts";

export interface ReceiverConnectionDeps {
  readonly logger: Logger;
  readonly metrics: TransportMetrics;
  readonly intake: MessageIntake;
  readonly unidentified: UnidentifiedPeers;
  /** Called once, when the socket is closed and everything received before has been delivered. */
  readonly onFinished: (connection: ReceiverConnection) => void;
}

export interface ReceiverConnectionOptions {
  readonly maxFrameBytes: number;
  readonly maxWaitingBytes: number;
  readonly trustProxiedPeers: boolean;
}

/** Acknowledgements that wait because the peer does not read: thousands of them; Tomcat and ours read each. */
const MAX_UNREAD_ACK_BYTES = 256 * 1024;
const ACKS_PER_WRITE = 256;
const ACKS = Buffer.concat(new Array<Buffer>(ACKS_PER_WRITE).fill(ACK));

/**
 * Takes over a socket whose address has entered `unidentified`, and leaves there when its first message has been accepted or the
 * socket closes. What was received is delivered even when the peer has closed meanwhile: an answered update may be in it (rule 9).
 */
export class ReceiverConnection {
  readonly #deps: ReceiverConnectionDeps;
  readonly #options: ReceiverConnectionOptions;
  readonly #socket: Socket;
  readonly #peerAddress: string;
  readonly #peerHost: Buffer | undefined;
  readonly #frames: FrameDecoder;
  readonly #messages = new ChannelDataDecoder();
  readonly acceptedAtMs: number;
  /** Whoever asked for no answer learns of a loss by the end of the connection. */
  readonly #onRefused: OnRefused = (message, error) => {
    const isLoss = error instanceof QuietRefusalError && error.isLoss;
    if (isLoss && acknowledgeOf(message.options) !== "Processed") this.fail("refused", error);
  };
  #identified = false;
  #countedAsUnidentified = true;
  /** A message is being processed: the next one waits. */
  #busy = false;
  #closed = false;
  #paused = false;
  #acks = 0;
  #countedBytes = 0;

  constructor(deps: ReceiverConnectionDeps, options: ReceiverConnectionOptions, socket: Socket, peerAddress: string, acceptedAtMs: number) {
    this.#deps = deps;
    this.#options = options;
    this.#socket = socket;
    this.#peerAddress = peerAddress;
    this.#peerHost = addressBytes(peerAddress);
    this.acceptedAtMs = acceptedAtMs;
    this.#frames = new FrameDecoder(options.maxFrameBytes);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error) => deps.logger.debug({ peer: peerAddress, err: error }, "Channel connection failed"));
    socket.on("close", () => {
      this.#leaveUnidentified();
      if (!this.#busy) deps.onFinished(this);
    });
  }

  /** Neither has a message been accepted nor is one being processed. */
  get silent(): boolean {
    return !this.#identified && !this.#busy;
  }

  /** Closes because of what the peer did, with one line in the log. */
  fail(reason: ReceiveFailure, error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#deps.metrics.receiveFailures[reason].inc();
    this.#deps.logger.warn({ peer: this.#peerAddress, reason, err: error }, "Closing a channel connection");
  }

  /** Closes and delivers nothing further. */
  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    this.#deps.metrics.receivedBytes.inc(chunk.length);
    this.#frames.push(chunk);
    this.#deliverWaiting();
  }

  #deliverWaiting(): void {
    try {
      while (!this.#busy && !this.#closed) {
        const body = this.#frames.next();
        if (!body) break;
        this.#handle(this.#messages.decode(body));
      }
    } catch (error) {
      this.fail(failureOf(error), asError(error));
    }
    this.#flushAcks();
    this.#deps.intake.count();
    this.#limit();
  }

  #handle(message: ChannelMessage): void {
    if (!this.#identified && !this.#options.trustProxiedPeers) checkAddress(message, this.#peerAddress, this.#peerHost);
    const acknowledge = acknowledgeOf(message.options);
    if (acknowledge === "Received") this.#acks++;
    const outcome = this.#deps.intake.take(message, this.#onRefused);
    if (typeof outcome === "boolean") {
      this.#finish(acknowledge, outcome);
      return;
    }
    this.#busy = true;
    void outcome.then((processed) => {
      this.#busy = false;
      this.#finish(acknowledge, processed);
      this.#deliverWaiting();
      if (!this.#busy && this.#socket.closed) this.#deps.onFinished(this);
    });
  }

  #finish(acknowledge: Acknowledge, processed: boolean): void {
    if (processed && !this.#identified) {
      this.#identified = true;
      this.#leaveUnidentified();
    }
    if (acknowledge !== "Processed") return;
    if (processed) this.#acks++;
    else {
      this.#flushAcks();
      this.#write(FAIL_ACK);
    }
  }

  #flushAcks(): void {
    while (this.#acks > 0) {
      const count = Math.min(this.#acks, ACKS_PER_WRITE);
      this.#acks -= count;
      this.#write(ACKS.subarray(0, count * ACK.length));
    }
  }

  #write(reply: Buffer): void {
    if (!this.#socket.writable) return;
    this.#socket.write(reply);
    if (this.#socket.writableLength > MAX_UNREAD_ACK_BYTES) {
      this.fail("unread_acks", new Error(`The peer left ${this.#socket.writableLength} bytes of acknowledgements unread`));
    }
  }

  /** Stops reading while a slow listener has enough to do, and closes what takes too much memory before it is known. */
  #limit(): void {
    const bufferedBytes = this.#frames.bufferedBytes;
    if (this.#countedAsUnidentified && !this.#closed) {
      const more = bufferedBytes - this.#countedBytes;
      this.#countedBytes = bufferedBytes;
      if (!this.#deps.unidentified.addBytes(more)) {
        this.fail("buffer_limit", new Error("Connections of peers that are not identified yet hold too many bytes"));
        return;
      }
    }
    if (this.#busy && bufferedBytes > this.#options.maxWaitingBytes) {
      if (!this.#paused) this.#socket.pause();
      this.#paused = true;
    } else if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
  }

  #leaveUnidentified(): void {
    if (!this.#countedAsUnidentified) return;
    this.#countedAsUnidentified = false;
    this.#deps.unidentified.addBytes(-this.#countedBytes);
    this.#deps.unidentified.leave(this.#peerAddress);
  }
}

function failureOf(error: unknown): ReceiveFailure {
  if (error instanceof FramingError) return "framing";
  if (error instanceof MalformedMessageError) return "malformed";
  if (error instanceof AddressMismatchError) return "address_mismatch";
  throw error;
}
