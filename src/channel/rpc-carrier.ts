// The port between a channel and the RPC channels on it.
import type { SuidTable } from "../serialization/index.ts";
import type { Channel, Member } from "./channel.ts";
import type { RpcMessage } from "./rpc-message.ts";

/** An RpcChannel as its channel sees it. */
export interface RpcEndpoint {
  readonly rpcId: string;
  /** A request, a reply or a refusal with its rpcId. Throwing or rejecting refuses the message. */
  rpcReceived(rpc: RpcMessage, sender: Member): void | Promise<void>;
}

/** What an RpcChannel needs of its channel. */
export interface RpcCarrier extends Pick<Channel, "send" | "addMembershipListener" | "removeMembershipListener"> {
  /** Throws DuplicateRpcIdError. */
  addRpcEndpoint(endpoint: RpcEndpoint): void;
  removeRpcEndpoint(endpoint: RpcEndpoint): void;
  /** For what RpcChannels write. */
  readonly suids: SuidTable;
}
