// How a map speaks to its members: messages and questions in its name.
import { asError, type Clock, type Logger, type Random } from "../../base/index.ts";
import {
  type Channel,
  ChannelError,
  type ChannelMetrics,
  type FaultyMember,
  type Member,
  type ReplyMode,
  type RpcCarrier,
  RpcChannel,
  type RpcHandler,
  type SendOptions,
} from "../../channel/index.ts";
import { encodeMapMessage, type MapEvent, type MapMessage, mapMessage, mapMessageFromJava, mapMessageToJava } from "./map-message.ts";

/** What a map needs of its channel. GroupChannel is one. */
export type MapChannel = RpcCarrier & Pick<Channel, "localMember" | "members" | "addChannelListener" | "removeChannelListener">;

export interface MapLinkDeps {
  readonly channel: MapChannel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "rpcCalls">;
  readonly random: Random;
}

export interface MapLinkOptions {
  readonly mapId: string;
  readonly sendOptions: Pick<SendOptions, "acknowledge" | "asynchronous">;
  readonly identify: (name: string) => string;
}

/** Every member that was asked is in exactly one of the lists. */
export interface MapAnswers {
  /** Null: the member has nothing to say. */
  readonly replies: readonly { readonly member: Member; readonly message: MapMessage | null }[];
  /** Members without this map. */
  readonly refused: readonly Member[];
  /** The question did not reach them, or they had not answered when the call was over. */
  readonly unanswered: readonly Member[];
}

export class MapLink {
  readonly rpc: RpcChannel;
  readonly #channel: MapChannel;
  readonly #options: MapLinkOptions;

  constructor(deps: MapLinkDeps, options: MapLinkOptions, handler: RpcHandler) {
    this.#channel = deps.channel;
    this.#options = options;
    this.rpc = new RpcChannel({ ...deps, carrier: deps.channel }, { rpcId: options.mapId }, handler);
  }

  /** Messages of one entry reach a member in the order of their sending (rule 10). Resolves with those that do not have it. */
  async tell(members: readonly Member[], event: number, fields: Partial<MapMessage>): Promise<readonly FaultyMember[]> {
    if (members.length === 0) return [];
    const { identify, mapId, sendOptions } = this.#options;
    const body = encodeMapMessage(mapMessage(event, mapId, fields), this.#channel.suids);
    try {
      await this.#channel.send(members, { kind: "Object", body }, { ...sendOptions, orderKey: fields.key ? identify(fields.key) : mapId });
      return [];
    } catch (error) {
      if (error instanceof ChannelError) return error.faultyMembers;
      return members.map((member) => ({ member, cause: asError(error) }));
    }
  }

  /** Rejects only for what is wrong here: see RpcChannel.call. */
  async ask(
    members: readonly Member[],
    event: MapEvent,
    fields: Partial<MapMessage>,
    mode: ReplyMode,
    timeoutMs: number,
  ): Promise<MapAnswers> {
    if (members.length === 0) return { replies: [], refused: [], unanswered: [] };
    const question = mapMessageToJava(mapMessage(event, this.#options.mapId, fields));
    const result = await this.rpc.call(members, question, { mode, timeoutMs, acknowledge: "Received", asynchronous: false });
    return {
      replies: result.replies.map(({ member, message }) => ({ member, message: message === null ? null : mapMessageFromJava(message) })),
      refused: result.refused,
      unanswered: [...result.failed.map(({ member }) => member), ...result.silent],
    };
  }
}
