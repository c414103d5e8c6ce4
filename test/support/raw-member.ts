// Both ends of a channel connection by hand: a member that records what it is sent and answers as told, and a client of a receiver.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { ChannelMessage, Member } from "../../src/channel/channel.ts";
import { ACK, isAck, isFailAck } from "../../src/channel/wire/acknowledgement.ts";
import { ChannelDataDecoder, encodeChannelData } from "../../src/channel/wire/channel-data.ts";
import { FrameDecoder } from "../../src/channel/wire/frame.ts";
import { createMember } from "../../src/channel/wire/member-block.ts";
import { acknowledgeOf } from "../../src/channel/wire/options.ts";

const MAX_FRAME_BYTES = 64 * 1024 * 1024;

export const LOCAL = createMember({ address: "127.0.0.1", port: 1 });

let messages = 0;

/** A message of `LOCAL` whose body is `text`, with an id that no other has. */
export function messageOf(text: string | Buffer, options = 0, orderKey?: string): ChannelMessage {
  const uniqueId = Buffer.alloc(16);
  uniqueId.writeUInt32BE(++messages, 12);
  const message = { options, timestamp: 1_700_000_000_000, uniqueId, address: LOCAL, body: Buffer.from(text) };
  return orderKey === undefined ? message : { ...message, orderKey };
}

export interface RecordedMessage {
  readonly text: string;
  readonly message: ChannelMessage;
  readonly socket: Socket;
}

/** A member of the group that is only a socket. */
export class RawMember {
  /** Answers a message; by default acknowledges what asks for it. */
  answer: (recorded: RecordedMessage) => void = ({ message, socket }) => {
    if (acknowledgeOf(message.options) !== "None") socket.write(ACK);
  };
  readonly received: RecordedMessage[] = [];
  readonly sockets: Socket[] = [];
  readonly #server: Server = createServer({ noDelay: true });
  readonly #address: string;
  #onReceived: () => void = () => undefined;
  /** False: connections are accepted and not read. */
  reading = true;

  private constructor(address: string) {
    this.#address = address;
  }

  static async start(address = "127.0.0.1", port = 0): Promise<RawMember> {
    const raw = new RawMember(address);
    raw.#server.on("connection", (socket) => raw.#accept(socket));
    raw.#server.listen(port, address);
    await once(raw.#server, "listening");
    return raw;
  }

  get member(): Member {
    return createMember({ address: this.#address, port: (this.#server.address() as AddressInfo).port });
  }

  get texts(): string[] {
    return this.received.map(({ text }) => text);
  }

  get openSockets(): Socket[] {
    return this.sockets.filter((socket) => !socket.destroyed);
  }

  /** Resolves when so many messages have come in all. */
  async until(count: number): Promise<void> {
    while (this.received.length < count) {
      await new Promise<void>((resolve) => {
        this.#onReceived = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(socket: Socket): void {
    const frames = new FrameDecoder(MAX_FRAME_BYTES);
    const decoder = new ChannelDataDecoder();
    this.sockets.push(socket);
    socket.on("error", () => socket.destroy());
    if (!this.reading) socket.pause();
    socket.on("data", (chunk) => {
      frames.push(chunk);
      for (let body = frames.next(); body; body = frames.next()) {
        const message = decoder.decode(Buffer.from(body));
        const recorded = { text: message.body.toString("latin1", 0, 32), message, socket };
        this.received.push(recorded);
        this.answer(recorded);
      }
      this.#onReceived();
    });
    if (!this.reading) socket.pause();
  }
}

/** A connection to a receiver, written by hand. */
export class RawClient {
  /** "ACK", "FAIL" or the bytes of another frame, in hex. */
  readonly replies: string[] = [];
  readonly socket: Socket;
  readonly #frames = new FrameDecoder(MAX_FRAME_BYTES);
  readonly #closed: Promise<void>;
  #onReply: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.on("close", () => resolve());
    });
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      this.#frames.push(chunk);
      for (let body = this.#frames.next(); body; body = this.#frames.next()) {
        this.replies.push(isAck(body) ? "ACK" : isFailAck(body) ? "FAIL" : body.toString("hex"));
      }
      this.#onReply();
    });
  }

  static async connect(port: number, address = "127.0.0.1", localAddress?: string): Promise<RawClient> {
    const socket = connect({ host: address, port, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) });
    const client = new RawClient(socket);
    await once(socket, "connect");
    return client;
  }

  send(...messages: readonly ChannelMessage[]): void {
    this.socket.write(Buffer.concat(messages.map(encodeChannelData)));
  }

  /** Resolves when so many replies have come in all. */
  async until(count: number): Promise<string[]> {
    while (this.replies.length < count) {
      await new Promise<void>((resolve) => {
        this.#onReply = resolve;
      });
    }
    return this.replies;
  }

  /** Resolves when the connection is closed, by whomever. */
  closed(): Promise<void> {
    return this.#closed;
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.#closed;
  }
}
