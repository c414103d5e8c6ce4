// Requests to other members and their replies (Tomcat: RpcChannel; tribes.md 13).
import { asError, type Clock, type Logger, type Random, type Timer } from "../base/index.ts";
import type { JavaValue } from "../serialization/index.ts";
import type { Member, MembershipListener, SendOptions } from "./channel.ts";
import type { ChannelMetrics } from "./channel-metrics.ts";
import { ChannelError, type FaultyMember, MemberRemovedError } from "./errors.ts";
import type { RpcCarrier, RpcEndpoint } from "./rpc-carrier.ts";
import { encodeRpcMessage, type RpcMessage } from "./rpc-message.ts";
import { ChannelStoppedError, NoDestinationError, TooManyCallsError } from "./stack-errors.ts";
import { randomUuid } from "./uuid.ts";

/** When a call is complete: `Majority` is at least half of those that can reply; `None` waits for no reply. */
export type ReplyMode = "First" | "Majority" | "All" | "None";

/** `acknowledge` and `asynchronous` are those of the request's message. Tomcat removes `Processed`, since its threads could block one another. */
export interface RpcCallOptions extends SendOptions {
  readonly mode: ReplyMode;
  /** After which the call ends with what it has. */
  readonly timeoutMs: number;
}

export interface RpcReply {
  readonly member: Member;
  readonly message: JavaValue;
}

/** Every destination is in exactly one of the lists. */
export interface RpcResult {
  /** In the order of arrival. */
  readonly replies: readonly RpcReply[];
  /** Members without an RPC channel of this id (NoRpcChannelReply). */
  readonly refused: readonly Member[];
  /** Members that the request did not reach, or that left before they replied. */
  readonly failed: readonly FaultyMember[];
  /** Members that had not replied when the call was complete or its time was over. */
  readonly silent: readonly Member[];
}

export interface RpcHandler {
  /** The reply to a request; null is a reply too. Throwing or rejecting refuses the request: no reply is sent. */
  replyRequest(message: JavaValue, sender: Member): JavaValue | Promise<JavaValue>;
  /** A reply to a call that is over, or that waits for none. */
  leftOver?(message: JavaValue, sender: Member): void;
  /** A reply has been acknowledged as `replyOptions` ask, or is on its way where they ask for nothing (Tomcat: ExtendedRpcCallback). */
  replySucceeded?(answer: RpcAnswer): void;
  /** A reply did not arrive, or could not be sent. */
  replyFailed?(error: Error, answer: RpcAnswer): void;
}

export interface RpcAnswer {
  readonly request: JavaValue;
  readonly reply: JavaValue;
  /** Of the request. */
  readonly sender: Member;
}

export interface RpcChannelDeps {
  readonly carrier: RpcCarrier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "rpcCalls">;
  readonly random: Random;
}

export interface RpcChannelOptions {
  /** Name of the channel: equal on every member, ISO-8859-1. */
  readonly rpcId: string;
  /** Default: no acknowledgement, as Tomcat does it: a lost reply is not noticed. */
  readonly replyOptions?: SendOptions;
  /** Calls that wait for replies at the same time; default 1024. */
  readonly maxCalls?: number;
}

interface Call {
  readonly mode: ReplyMode;
  readonly destinations: number;
  readonly waiting: Map<string, Member>;
  readonly replies: RpcReply[];
  readonly refused: Member[];
  readonly failed: FaultyMember[];
  readonly resolve: (result: RpcResult) => void;
  timer: Timer | undefined;
}

const NO_ACKNOWLEDGEMENT: SendOptions = { acknowledge: "None", asynchronous: false };

/** `open` before the channel starts, so that no request meets a member without it; `close` ends the calls that wait. */
export class RpcChannel implements RpcEndpoint, MembershipListener {
  readonly rpcId: string;
  readonly #deps: RpcChannelDeps;
  readonly #handler: RpcHandler;
  readonly #replyOptions: SendOptions;
  readonly #maxCalls: number;
  /** By the call's uuid in hex. */
  readonly #calls = new Map<string, Call>();
  #open = false;

  constructor(deps: RpcChannelDeps, options: RpcChannelOptions, handler: RpcHandler) {
    this.rpcId = options.rpcId;
    this.#deps = deps;
    this.#handler = handler;
    this.#replyOptions = options.replyOptions ?? NO_ACKNOWLEDGEMENT;
    this.#maxCalls = options.maxCalls ?? 1024;
  }

  /** Throws DuplicateRpcIdError. */
  open(): void {
    this.#deps.carrier.addRpcEndpoint(this);
    this.#deps.carrier.addMembershipListener(this);
    this.#open = true;
  }

  /** Calls that wait end with what they have. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#deps.carrier.removeRpcEndpoint(this);
    this.#deps.carrier.removeMembershipListener(this);
    for (const id of [...this.#calls.keys()]) this.#end(id, "closed");
  }

  /**
   * Sends the request to each destination and resolves when `mode` is satisfied, nobody is left to reply, or the time is over. Rejects
   * only for what is wrong here: no destination, too many calls, a channel that does not run. Whom the request did not reach stands in `failed`.
   */
  call(destinations: readonly Member[], message: JavaValue, options: RpcCallOptions): Promise<RpcResult> {
    if (destinations.length === 0) return Promise.reject(new NoDestinationError());
    if (!this.#open) return Promise.reject(new ChannelStoppedError());
    if (this.#calls.size >= this.#maxCalls) return Promise.reject(new TooManyCallsError(this.rpcId, this.#maxCalls));
    const uuid = randomUuid(this.#deps.random);
    const body = encodeRpcMessage({ kind: "Request", uuid, rpcId: this.rpcId, message }, this.#deps.carrier.suids);
    const id = uuid.toString("hex");
    const { promise, resolve, reject } = Promise.withResolvers<RpcResult>();
    const waiting = new Map(destinations.map((member) => [member.key, member]));
    const call: Call = {
      mode: options.mode,
      destinations: waiting.size,
      waiting,
      replies: [],
      refused: [],
      failed: [],
      resolve,
      timer: this.#deps.clock.setTimeout(() => this.#end(id, "timeout"), options.timeoutMs),
    };
    this.#calls.set(id, call);
    this.#deps.carrier.send(destinations, { kind: "Object", body }, options).then(
      () => {
        if (call.mode === "None") this.#end(id, "complete");
      },
      (error: unknown) => {
        if (error instanceof ChannelError) this.#fail(id, error.faultyMembers);
        else if (this.#forget(id)) reject(error);
      },
    );
    return promise;
  }

  rpcReceived(rpc: RpcMessage, sender: Member): void | Promise<void> {
    if (rpc.kind === "Request") return this.#answer(rpc, sender);
    const id = rpc.uuid.toString("hex");
    const call = this.#calls.get(id);
    if (call === undefined || call.mode === "None" || !call.waiting.delete(sender.key)) {
      if (rpc.kind === "Reply") this.#handler.leftOver?.(rpc.message, sender);
      return undefined;
    }
    if (rpc.kind === "Reply") call.replies.push({ member: sender, message: rpc.message });
    else call.refused.push(sender);
    this.#endIfComplete(id, call);
  }

  memberAdded(): void {
    // A member that joins during a call was not asked.
  }

  memberDisappeared(member: Member): void {
    for (const [id, call] of [...this.#calls]) {
      if (call.waiting.has(member.key)) this.#fail(id, [{ member, cause: new MemberRemovedError(member) }]);
    }
  }

  #answer(rpc: RpcMessage, sender: Member): void | Promise<void> {
    const reply = this.#handler.replyRequest(rpc.message, sender);
    if (reply instanceof Promise) return reply.then((message) => this.#reply(rpc, message, sender));
    return this.#reply(rpc, reply, sender);
  }

  /** Sending the reply is not part of the request's outcome: the connection that brought the request must not wait for it. */
  #reply(rpc: RpcMessage, message: JavaValue, sender: Member): void {
    const { carrier, logger } = this.#deps;
    const body = encodeRpcMessage({ kind: "Reply", uuid: rpc.uuid, rpcId: rpc.rpcId, message }, carrier.suids);
    const answer: RpcAnswer = { request: rpc.message, reply: message, sender };
    const succeeded = () => this.#handler.replySucceeded?.(answer);
    const failed = (error: Error) => {
      logger.debug({ err: error, member: sender.name, rpcId: this.rpcId }, "Reply was not sent");
      this.#handler.replyFailed?.(error, answer);
    };
    const { asynchronous } = this.#replyOptions;
    const errorHandler = { handleCompletion: succeeded, handleError: failed };
    const options = asynchronous ? { ...this.#replyOptions, errorHandler } : this.#replyOptions;
    carrier.send([sender], { kind: "Object", body }, options).then(
      () => {
        if (!asynchronous) succeeded();
      },
      (error: unknown) => failed(asError(error)),
    );
  }

  #fail(id: string, faulty: readonly FaultyMember[]): void {
    const call = this.#calls.get(id);
    if (!call) return;
    for (const entry of faulty) if (call.waiting.delete(entry.member.key)) call.failed.push(entry);
    if (call.mode === "None") this.#end(id, "complete");
    else this.#endIfComplete(id, call);
  }

  #endIfComplete(id: string, call: Call): void {
    const able = call.destinations - call.refused.length;
    const satisfied =
      call.waiting.size === 0 ||
      (call.mode === "First" && call.replies.length > 0) ||
      (call.mode === "Majority" && call.replies.length * 2 >= able);
    if (satisfied) this.#end(id, "complete");
  }

  #end(id: string, outcome: "complete" | "timeout" | "closed"): void {
    const call = this.#forget(id);
    if (!call) return;
    this.#deps.metrics.rpcCalls.inc({ outcome });
    const { replies, refused, failed, waiting } = call;
    call.resolve({ replies, refused, failed, silent: [...waiting.values()] });
  }

  #forget(id: string): Call | undefined {
    const call = this.#calls.get(id);
    call?.timer?.cancel();
    this.#calls.delete(id);
    return call;
  }
}
