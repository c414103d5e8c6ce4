// Datagrams from members: each holds one frame or several, delivered at once and acknowledged to where it came from (tribes.md 3, 7).
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { asError, type Logger, systemErrorCode } from "../../base/index.ts";
import type { Acknowledge, ChannelMessage } from "../channel.ts";
import { FramingError, MalformedMessageError, PortInUseError, ReceiverBindError } from "../errors.ts";
import { ACK, FAIL_ACK } from "../wire/acknowledgement.ts";
import { ChannelDataDecoder } from "../wire/channel-data.ts";
import { FrameDecoder } from "../wire/frame.ts";
import { addressBytes, canonicalAddress } from "../wire/ip-address.ts";
import { acknowledgeOf } from "../wire/options.ts";
import { AddressMismatchError, checkAddress } from "./check-address.ts";
import type { MessageIntake } from "./message-intake.ts";
import type { ReceiveFailure, TransportMetrics } from "./transport-metrics.ts";

export interface UdpReceiverDeps {
  readonly logger: Logger;
  readonly metrics: TransportMetrics;
  readonly intake: MessageIntake;
  /** Whether datagrams of an address are taken at all. Must not reject. */
  readonly admit: (address: string) => boolean | Promise<boolean>;
  /** Counts, and logs now and then: anybody can send datagrams in any number. */
  readonly refuse: (address: string, reason: ReceiveFailure) => void;
}

export interface UdpReceiverOptions {
  readonly port: number;
  /** How many ports to try upward from `port`; 1 or less: only that one. */
  readonly autoBind: number;
  readonly trustProxiedPeers: boolean;
  /** Bytes of datagrams that may wait for a look-up or a slow listener; what comes beyond is lost, as datagrams may be. */
  readonly maxWaitingBytes: number;
  /** SO_RCVBUF and SO_SNDBUF. */
  readonly rxBufSize: number;
  readonly txBufSize: number;
}

/** The largest datagram over IPv6; over IPv4 it is 65 507. */
const MAX_DATAGRAM_BYTES = 65_527;
/** What a small one counts for while it waits: the promise, and the look-up of who sent it. */
const LEAST_COUNTED_BYTES = 4096;

/** Datagrams keep no order among themselves, so none waits for another. */
export class UdpReceiver {
  readonly #deps: UdpReceiverDeps;
  readonly #options: UdpReceiverOptions;
  #socket: Socket | undefined;
  #port = -1;
  #waitingBytes = 0;

  constructor(deps: UdpReceiverDeps, options: UdpReceiverOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** -1 before `start`. */
  get port(): number {
    return this.#port;
  }

  async start(address: string): Promise<void> {
    const { autoBind, port } = this.#options;
    const last = Math.min(port + Math.max(autoBind, 1) - 1, 65_535);
    for (let candidate = port; ; candidate++) {
      try {
        this.#socket = await this.#bind(address, candidate);
        break;
      } catch (error) {
        if (systemErrorCode(error) !== "EADDRINUSE") throw new ReceiverBindError(address, candidate, asError(error));
        if (candidate >= last) throw new PortInUseError(address, port, Math.max(autoBind, 1), asError(error));
      }
    }
    this.#port = this.#socket.address().port;
    this.#socket.on("error", (error) => this.#deps.logger.error({ err: error }, "Receiver failed to take a datagram"));
    this.#socket.on("message", (datagram, from) => this.#receive(datagram, from));
  }

  stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    return new Promise((resolve) => {
      if (socket) socket.close(resolve);
      else resolve();
    });
  }

  #bind(address: string, port: number): Promise<Socket> {
    const { rxBufSize, txBufSize } = this.#options;
    const type = isIPv6(address) ? "udp6" : "udp4";
    const socket = createSocket({ type, recvBufferSize: rxBufSize, sendBufferSize: txBufSize });
    return new Promise((resolve, reject) => {
      socket.once("error", (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ address, port, exclusive: true }, () => {
        socket.removeAllListeners("error");
        resolve(socket);
      });
    });
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    const address = canonicalAddress(from.address);
    this.#deps.metrics.receivedBytes.inc(datagram.length);
    if (this.#waitingBytes + counted(datagram.length) > this.#options.maxWaitingBytes) {
      this.#deps.refuse(address, "datagram_limit");
      return;
    }
    const admitted = this.#deps.admit(address);
    if (admitted === true) this.#take(datagram, address, from);
    else if (admitted === false) this.#deps.refuse(address, "not_admitted");
    else {
      this.#wait(counted(datagram.length), admitted, (known) => {
        if (known) this.#take(datagram, address, from);
        else this.#deps.refuse(address, "not_admitted");
      });
    }
  }

  #take(datagram: Buffer, address: string, from: RemoteInfo): void {
    try {
      const messages = messagesOf(datagram);
      if (!this.#options.trustProxiedPeers) {
        const host = addressBytes(address);
        for (const message of messages) checkAddress(message, address, host);
      }
      for (const message of messages) this.#handle(message, from);
      this.#deps.intake.count();
    } catch (error) {
      this.#deps.refuse(address, failureOf(error));
      this.#deps.logger.debug({ peer: address, err: asError(error) }, "A datagram is not taken");
    }
  }

  #handle(message: ChannelMessage, from: RemoteInfo): void {
    const acknowledge = acknowledgeOf(message.options);
    if (acknowledge === "Received") this.#reply(ACK, from);
    const outcome = this.#deps.intake.take(message, ignoreRefusal);
    if (typeof outcome === "boolean") this.#finish(acknowledge, outcome, from);
    else this.#wait(counted(message.body.length), outcome, (processed) => this.#finish(acknowledge, processed, from));
  }

  #finish(acknowledge: Acknowledge, processed: boolean, from: RemoteInfo): void {
    if (acknowledge === "Processed") this.#reply(processed ? ACK : FAIL_ACK, from);
  }

  #wait<Result>(bytes: number, what: Promise<Result>, go: (result: Result) => void): void {
    this.#waitingBytes += bytes;
    void what.then((result) => {
      this.#waitingBytes -= bytes;
      if (this.#socket) go(result);
    });
  }

  #reply(frame: Buffer, { address, port }: RemoteInfo): void {
    this.#socket?.send(frame, port, address, (error) => {
      if (error) this.#deps.logger.debug({ peer: address, err: error }, "A datagram was not acknowledged");
    });
  }
}

function counted(bytes: number): number {
  return Math.max(bytes, LEAST_COUNTED_BYTES);
}

/** Its sender hears of it only where it waits for the processing: there is no connection to end. */
function ignoreRefusal(): void {
  // See above.
}

/** Throws FramingError and MalformedMessageError, before any of them is delivered. */
function messagesOf(datagram: Buffer): ChannelMessage[] {
  const frames = new FrameDecoder(MAX_DATAGRAM_BYTES);
  const decoder = new ChannelDataDecoder();
  const messages: ChannelMessage[] = [];
  frames.push(datagram);
  for (let body = frames.next(); body; body = frames.next()) messages.push(decoder.decode(body));
  if (frames.bufferedBytes > 0) throw new FramingError(`A datagram ends within a frame`);
  return messages;
}

function failureOf(error: unknown): ReceiveFailure {
  if (error instanceof FramingError) return "framing";
  if (error instanceof MalformedMessageError) return "malformed";
  if (error instanceof AddressMismatchError) return "address_mismatch";
  throw error;
}
