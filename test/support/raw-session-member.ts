// A member that sends and records single session messages: what a real Tomcat does with each is seen without a worker of ours.
import type { ChannelMessage, Member } from "../../src/channel/channel.ts";
import { createMember } from "../../src/channel/wire/member-block.ts";
import { decodeSessionMessage, SESSION_MESSAGE_CLASS, type SessionMessage } from "../../src/replication/messages.ts";
import { DELTA_TYPES, DeltaRequest } from "../../src/replication/session/delta-request.ts";
import { encodeSessionStates, type SessionState } from "../../src/replication/session/session-state.ts";
import { type JavaValue, peekClassName } from "../../src/serialization/index.ts";
import { messageOf, RawClient, RawMember } from "./raw-member.ts";

/** The manager that the real Tomcat and the raw member share. */
export const MANAGER = "localhost#/app";
const SYNCHRONOUS = 6;

export interface ReceivedSessionMessage extends SessionMessage {
  /** Of the frame. */
  readonly options: number;
  /** Number of the connection, in the order of their opening. */
  readonly connection: number;
}

export class RawSessionMember {
  readonly member: Member;
  readonly raw: RawMember;
  #client: RawClient | undefined;

  private constructor(member: Member, raw: RawMember) {
    this.member = member;
    this.raw = raw;
  }

  /** Listens at `address`. */
  static async start(address: string, port = 4000): Promise<RawSessionMember> {
    return new RawSessionMember(createMember({ address, port }), await RawMember.start(address, port));
  }

  /** What is sent from now on goes to the member at `address`. */
  async connectTo(address: string): Promise<void> {
    await this.#client?.close();
    this.#client = await RawClient.connect(this.member.port, address, this.member.address);
  }

  /** Session messages that arrived, in order of arrival, from the `since`-th message on. */
  received(since = 0): readonly ReceivedSessionMessage[] {
    return this.raw.received
      .slice(since)
      .filter(({ message }) => peekClassName(message.body) === SESSION_MESSAGE_CLASS)
      .map(({ message, socket }) => ({
        ...decodeSessionMessage(message.body),
        options: message.options,
        connection: this.raw.sockets.indexOf(socket),
      }));
  }

  /** How many messages of any kind have arrived: a mark for `received`. */
  get mark(): number {
    return this.raw.received.length;
  }

  /** Resolves with the answer, "ACK" or "FAIL"; one send at a time. */
  async send(body: Buffer, changes: Partial<ChannelMessage> = {}): Promise<string> {
    const client = this.#connected();
    const before = client.replies.length;
    this.post(body, { options: SYNCHRONOUS, ...changes });
    return (await client.until(before + 1))[before]!;
  }

  /** Without waiting for an answer; by default none is asked for. */
  post(body: Buffer, changes: Partial<ChannelMessage> = {}): void {
    this.#connected().send({ ...messageOf(body), timestamp: Date.now(), address: this.member, ...changes });
  }

  async stop(): Promise<void> {
    await this.#client?.close();
    await this.raw.stop();
  }

  #connected(): RawClient {
    if (this.#client === undefined) throw new Error("Not connected to anybody");
    return this.#client;
  }
}

/** The data of a SESSION_DELTA that sets one attribute. */
export function deltaThatSets(id: string, name: string, value: JavaValue): Buffer {
  const delta = new DeltaRequest();
  delta.set(DELTA_TYPES.Attribute, name, value);
  return delta.encode(id);
}

/** The data of an ALL_SESSION_DATA with one session that holds one attribute, used now. */
export function stateThatHolds(id: string, name: string, value: JavaValue, changes: Partial<SessionState> = {}): Buffer {
  const nowMs = Date.now();
  const times = { creationTime: nowMs, lastAccessedTime: nowMs, thisAccessedTime: nowMs };
  const nothing = { principal: null, expectedSessionId: null, savedRequest: null, listeners: [] };
  const state = { id, ...times, maxInactiveInterval: 1800, isNew: false, isValid: true, version: 1, attributes: [[name, value]] as const };
  return encodeSessionStates([{ ...state, ...nothing, ...changes }]);
}
