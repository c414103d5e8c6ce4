// A channel of Apache Tomcat's Tribes alone, in a Java process that sends what it is told and says what it receives.
import { crc32 } from "node:zlib";
import { uniqueIdOf } from "../../src/channel/wire/member-block.ts";
import { JavaProgram } from "./java-program.ts";

export interface JavaChannelOptions {
  readonly address: string;
  /** Of both. */
  readonly port: number;
  /** Of the one member that it knows. */
  readonly peerAddress: string;
  /** Of both; default: none. */
  readonly udpPort?: number;
  /** Top first, "GzipInterceptor,compressionMinSize=10". */
  readonly interceptors: readonly string[];
}

/** `length` letters that `seed` chooses. The same as in ChannelPeer.java. */
export function letters(seed: number, length: number): Buffer {
  const body = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) body[index] = "a".charCodeAt(0) + ((seed + index * (index % 7)) % 26);
  return body;
}

/** How the program tells that it has received these bytes. */
export function lineOf(body: Buffer): string {
  return `received ${body.length} ${crc32(body)}`;
}

export class JavaChannel {
  readonly #program: JavaProgram;

  private constructor(program: JavaProgram) {
    this.#program = program;
  }

  /** Resolves when it listens. */
  static async start({ address, port, peerAddress, udpPort = -1, interceptors }: JavaChannelOptions): Promise<JavaChannel> {
    const args = [address, String(port), peerAddress, uniqueIdOf(peerAddress).toString("hex"), String(udpPort), ...interceptors];
    return new JavaChannel(await JavaProgram.start("ChannelPeer", { args }));
  }

  /** In the order in which its listener had them. */
  get received(): readonly string[] {
    return this.#program.lines("received");
  }

  /** "sent", or "failed" and the class of the cause. */
  get outcomes(): readonly string[] {
    return [...this.#program.lines("sent"), ...this.#program.lines("failed")];
  }

  /** Asks it to send `letters(seed, length)` with the option bits. It sends one after the other. */
  send(options: number, seed: number, length: number): void {
    this.#program.tell(`send ${options} ${seed} ${length}`);
  }

  /** See JavaProgram. */
  until(what: string, holds: () => boolean): Promise<void> {
    return this.#program.until(what, holds);
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}
