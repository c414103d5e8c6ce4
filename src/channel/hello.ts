// Members make themselves known to one another, and learn who is one of ours and who is a Tomcat (rule 4).
import { type Clock, delay, type Logger, type Random } from "../base/index.ts";
import type { Member, MembershipListener } from "./channel.ts";
import type { ChannelMetrics } from "./channel-metrics.ts";
import type { RpcCarrier } from "./rpc-carrier.ts";
import { RpcChannel, type RpcHandler, type RpcResult } from "./rpc-channel.ts";

/** "ours": a worker of this project. "Tomcat": anything that has no RPC channel of this name. */
export type MemberKind = "ours" | "Tomcat";

export interface HelloDeps {
  readonly channel: RpcCarrier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "rpcCalls">;
  readonly random: Random;
}

export interface HelloOptions {
  /** Until a hello without an answer is repeated; default 3000. */
  readonly timeoutMs?: number;
  /** Between a failed hello and the next; default 1000. */
  readonly retryMs?: number;
}

/** Known to every version of ours: never change it. */
export const HELLO_RPC_ID = "tomcat-cluster-hello";
/** Content of request and reply; its text has no meaning yet, so read nothing from it. */
const GREETING = "tomcat-cluster";

interface Greeting {
  readonly member: Member;
  readonly ended: AbortController;
  kind: MemberKind | undefined;
}

/**
 * Says hello to each member that appears, with acknowledgement after processing, until it has answered or gone. A worker of ours
 * answers; a Tomcat's DNS provider adds the sender and answers NoRpcChannelReply. The channel looks an unknown sender up before its
 * hello reaches us, so whoever has our answer has us among its members and we have it among ours.
 */
export class Hello implements MembershipListener {
  /** Called when it becomes known what a member is, at most once for each time it appears. Must not throw. */
  onKind: (member: Member, kind: MemberKind) => void = () => undefined;
  readonly #deps: HelloDeps;
  readonly #timeoutMs: number;
  readonly #retryMs: number;
  readonly #rpc: RpcChannel;
  readonly #greetings = new Map<string, Greeting>();
  #waiting: (() => void)[] = [];

  constructor(deps: HelloDeps, options: HelloOptions = {}) {
    this.#deps = deps;
    this.#timeoutMs = options.timeoutMs ?? 3000;
    this.#retryMs = options.retryMs ?? 1000;
    const handler: RpcHandler = {
      replyRequest: (_message, sender) => {
        this.#learn(sender, "ours");
        return GREETING;
      },
    };
    this.#rpc = new RpcChannel({ ...deps, carrier: deps.channel }, { rpcId: HELLO_RPC_ID }, handler);
  }

  /** Before the channel starts: from then on every member that appears gets a hello. */
  open(): void {
    this.#rpc.open();
    this.#deps.channel.addMembershipListener(this);
  }

  /** Ends every hello that is under way. */
  close(): void {
    this.#deps.channel.removeMembershipListener(this);
    this.#rpc.close();
    for (const greeting of this.#greetings.values()) greeting.ended.abort();
    this.#greetings.clear();
    this.#wake();
  }

  /** Undefined while it is not known, and for who is no member. */
  kindOf(member: Member): MemberKind | undefined {
    return this.#greetings.get(member.key)?.kind;
  }

  /**
   * Resolves when each member has answered or gone, which may take for ever: a member that neither answers nor fails its probe
   * keeps a joiner waiting (rule 5). Rejects only with the reason of the signal.
   */
  async everyMemberAnswered(signal?: AbortSignal): Promise<void> {
    const wake = () => this.#wake();
    signal?.addEventListener("abort", wake);
    try {
      while ([...this.#greetings.values()].some((greeting) => greeting.kind === undefined)) {
        signal?.throwIfAborted();
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  memberAdded(member: Member): void {
    const greeting: Greeting = { member, ended: new AbortController(), kind: undefined };
    this.#greetings.set(member.key, greeting);
    void this.#greet(greeting);
  }

  memberDisappeared(member: Member): void {
    this.#greetings.get(member.key)?.ended.abort();
    this.#greetings.delete(member.key);
    this.#wake();
  }

  /** Ends when it is known what the member is, also from a hello of its own: who greets us knows us. */
  async #greet(greeting: Greeting): Promise<void> {
    const { signal } = greeting.ended;
    while (!signal.aborted) {
      const result = await this.#sayHello(greeting.member);
      if (signal.aborted) return;
      if (result && result.replies.length > 0) this.#learn(greeting.member, "ours");
      else if (result && result.refused.length > 0) this.#learn(greeting.member, "Tomcat");
      else await delay(this.#deps.clock, this.#retryMs, signal).catch(() => undefined);
    }
  }

  async #sayHello(member: Member): Promise<RpcResult | undefined> {
    try {
      return await this.#rpc.call([member], GREETING, {
        mode: "All",
        timeoutMs: this.#timeoutMs,
        acknowledge: "Processed",
        asynchronous: false,
      });
    } catch (error) {
      this.#deps.logger.debug({ err: error, member: member.name }, "Hello was not sent");
      return undefined;
    }
  }

  #learn(member: Member, kind: MemberKind): void {
    const greeting = this.#greetings.get(member.key);
    if (!greeting || greeting.kind !== undefined) return;
    greeting.kind = kind;
    greeting.ended.abort();
    this.#deps.logger.info({ member: member.name, kind }, "Member answered");
    this.onKind(member, kind);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
