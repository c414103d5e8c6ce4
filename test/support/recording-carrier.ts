// A channel as RPC channels see it, without a network: what they send is kept, and a test answers in the members' place.
import type { Member, MembershipListener, OutgoingMessage, SendOptions } from "../../src/channel/channel.ts";
import type { RpcCarrier, RpcEndpoint } from "../../src/channel/rpc-carrier.ts";
import { decodeRpcMessage, type RpcMessage } from "../../src/channel/rpc-message.ts";
import { type JavaValue, ObjectInputStream, SuidTable } from "../../src/serialization/index.ts";

interface SentRpc {
  readonly destinations: readonly Member[];
  readonly rpc: RpcMessage;
  readonly options: SendOptions;
}

export class RecordingCarrier implements RpcCarrier {
  readonly suids = new SuidTable();
  readonly sent: SentRpc[] = [];
  readonly endpoints = new Map<string, RpcEndpoint>();
  readonly listeners = new Set<MembershipListener>();
  /** What the next sends return. */
  outcome: () => Promise<void> = () => Promise.resolve();

  send(destinations: readonly Member[], message: OutgoingMessage, options: SendOptions): Promise<Buffer> {
    this.sent.push({ destinations, rpc: decodeRpcMessage(new ObjectInputStream(message.body).readObject()), options });
    return this.outcome().then(() => Buffer.alloc(16));
  }

  addRpcEndpoint(endpoint: RpcEndpoint): void {
    this.endpoints.set(endpoint.rpcId, endpoint);
  }

  removeRpcEndpoint(endpoint: RpcEndpoint): void {
    this.endpoints.delete(endpoint.rpcId);
  }

  addMembershipListener(listener: MembershipListener): void {
    this.listeners.add(listener);
  }

  removeMembershipListener(listener: MembershipListener): void {
    this.listeners.delete(listener);
  }

  add(member: Member): void {
    for (const listener of this.listeners) listener.memberAdded(member);
  }

  remove(member: Member): void {
    for (const listener of this.listeners) listener.memberDisappeared(member);
  }

  /** As if `member` had replied to the last request. */
  reply(member: Member, message: JavaValue, request: SentRpc = this.sent.at(-1)!): void {
    this.#receive({ ...request.rpc, kind: "Reply", message }, member);
  }

  /** As if `member` had no RPC channel of that id. */
  refuse(member: Member, request: SentRpc = this.sent.at(-1)!): void {
    this.#receive({ ...request.rpc, kind: "NoRpcChannel", message: null }, member);
  }

  #receive(rpc: RpcMessage, sender: Member): void {
    void this.endpoints.get(rpc.rpcId)?.rpcReceived(rpc, sender);
  }
}
