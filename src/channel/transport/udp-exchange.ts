// One message in one datagram to one member, and its acknowledgement where it asks for one.
import { createSocket, type Socket } from "node:dgram";
import type { Member } from "../channel.ts";
import { isAck, isFailAck } from "../wire/acknowledgement.ts";
import { FrameDecoder } from "../wire/frame.ts";

export interface UdpSocketOptions {
  /** The address to send from; unset: the system chooses. */
  readonly localAddress?: string;
  /** SO_RCVBUF and SO_SNDBUF. */
  readonly rxBufSize: number;
  readonly txBufSize: number;
}

/** `Sent`: the system has it, and no answer was asked for. */
export type UdpResult = "Sent" | "Acknowledged" | "Failed" | Error;

const MAX_REPLY_BYTES = 1024;

/**
 * With a socket of its own: acknowledgements carry no message id, so one that comes late, or twice, must find nobody who could take it
 * for another message's. Connected, it takes nothing from others and hears when nobody listens there.
 */
export class UdpExchange {
  readonly #socket: Socket;
  readonly #onResult: (result: UdpResult) => void;
  #over = false;

  /** `onResult` is called once, unless `close` comes first. */
  constructor(member: Member, frame: Buffer, acknowledged: boolean, options: UdpSocketOptions, onResult: (result: UdpResult) => void) {
    const { localAddress, rxBufSize, txBufSize } = options;
    this.#onResult = onResult;
    const type = member.host.length === 4 ? "udp4" : "udp6";
    this.#socket = createSocket({ type, recvBufferSize: rxBufSize, sendBufferSize: txBufSize });
    this.#socket.on("error", (error) => this.#end(error));
    this.#socket.on("message", (reply) => this.#replied(reply));
    this.#socket.on("connect", () =>
      this.#socket.send(frame, (error) => {
        if (error) this.#end(error);
        else if (!acknowledged) this.#end("Sent");
      }),
    );
    const connect = () => {
      if (!this.#over) this.#socket.connect(member.udpPort, member.address);
    };
    if (localAddress === undefined) connect();
    else this.#socket.bind({ address: localAddress, port: 0, exclusive: true }, connect);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.close();
  }

  #replied(reply: Buffer): void {
    const payload = payloadOf(reply);
    if (payload && isAck(payload)) this.#end("Acknowledged");
    else if (payload && isFailAck(payload)) this.#end("Failed");
  }

  #end(result: UdpResult): void {
    if (this.#over) return;
    this.close();
    this.#onResult(result);
  }
}

/** Undefined for what is no frame: as on a connection, it is no answer. */
function payloadOf(reply: Buffer): Buffer | undefined {
  const frames = new FrameDecoder(MAX_REPLY_BYTES);
  frames.push(reply);
  try {
    return frames.next();
  } catch {
    return undefined;
  }
}
