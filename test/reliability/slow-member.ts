// A member of the group, by its hello and its acknowledgements, that reads one byte a second when it is told to.
import { randomBytes } from "node:crypto";
import { HELLO_RPC_ID } from "../../src/channel/hello.ts";
import { encodeRpcMessage } from "../../src/channel/rpc-message.ts";
import { SuidTable } from "../../src/serialization/index.ts";
import { messageOf, RawClient, RawMember } from "../support/raw-member.ts";

const RECEIVER_PORT = 4000;
/** Acknowledged after processing: options of a hello. */
const HELLO_OPTIONS = 6;
const BYTE_PERIOD_MS = 1000;

export class SlowMember {
  readonly #raw: RawMember;
  #timer: NodeJS.Timeout | undefined;

  private constructor(raw: RawMember) {
    this.#raw = raw;
  }

  /** The group must not be encrypted, and DNS must list the address. Resolves when every worker has acknowledged a hello. */
  static async start(address: string, workers: readonly { readonly address: string }[]): Promise<SlowMember> {
    const raw = await RawMember.start(address, RECEIVER_PORT);
    try {
      for (const worker of workers) await sayHello(raw, worker.address);
    } catch (error) {
      await raw.stop();
      throw error;
    }
    return new SlowMember(raw);
  }

  /** One byte of each connection a second, on connections to come too; nothing is acknowledged any more. */
  readSlowly(): void {
    this.#raw.reading = false;
    for (const socket of this.#raw.openSockets) socket.pause().removeAllListeners("data");
    this.#timer = setInterval(() => {
      for (const socket of this.#raw.openSockets) socket.read(1);
    }, BYTE_PERIOD_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#raw.stop();
  }
}

async function sayHello(raw: RawMember, workerAddress: string): Promise<void> {
  const { member } = raw;
  const client = await RawClient.connect(RECEIVER_PORT, workerAddress, member.address);
  const hello = { kind: "Request" as const, uuid: randomBytes(16), rpcId: HELLO_RPC_ID, message: "hello" };
  client.send({ ...messageOf(encodeRpcMessage(hello, new SuidTable()), HELLO_OPTIONS), address: member });
  await client.until(1);
  await client.close();
}
