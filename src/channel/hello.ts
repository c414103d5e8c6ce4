// Members make themselves known to one another, and learn who is one of ours and who is a Tomcat (rule 4).
import { type Clock, delay, type Logger, type Random, type Timer } from "../base/index.ts";
import type { JavaValue } from "../serialization/index.ts";
import type { Member, MembershipListener } from "./channel.ts";
import type { ChannelMetrics } from "./channel-metrics.ts";
import type { RpcCarrier } from "./rpc-carrier.ts";
import { RpcChannel, type RpcHandler, type RpcResult } from "./rpc-channel.ts";
import { NotYetMemberError } from "./stack-errors.ts";

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
  /** How long after its answer a Tomcat may need to take us for a member: its heartbeat; default 6000. */
  readonly tomcatPatienceMs?: number;
}

/** Known to every version of ours: never change it. */
export const HELLO_RPC_ID = "tomcat-cluster-hello";
/** Content of request and reply. Whatever else a later version says means as much as the first. */
const GREETING = "tomcat-cluster";
/** Says that the sender has asked for state, or may have: that it has waited for the answers of all that it knew (rule 4). */
const GREETING_KNOWN = "tomcat-cluster, known to all";

interface Greeting {
  readonly member: Member;
  readonly ended: AbortController;
  kind: MemberKind | undefined;
  /** The member writes to us from now on what it writes to its members. */
  knowsUs: boolean;
  timer: Timer | undefined;
}

/**
 * Says hello to each member that appears, with acknowledgement after processing, until it has answered or gone. A worker of ours
 * answers; a Tomcat's DNS provider adds the sender and answers NoRpcChannelReply. The channel looks an unknown sender up before its
 * hello reaches us, and one that was suspect, such as a new process at the address of a dead one, gets its answer when it has proved
 * that it lives: so whoever has our answer is among the members that we write to, and `beforeAnswer` sees to what was written before.
 *
 * A Tomcat whose DNS listed us before we listened is slower: its TcpFailureDetector has found us dead, takes no hello for a sign of
 * life, and asks again with its next heartbeat (seen with 10.1.60). Its probe shows that it knows us then.
 */
export class Hello implements MembershipListener {
  /** Called when it becomes known what a member is, at most once for each time it appears. Must not throw. */
  onKind: (member: Member, kind: MemberKind) => void = () => undefined;
  /**
   * Called before a member hears from us that we write to it, in an answer or a hello of our own: settles when it has, or is about
   * to get from others, all that was written before. Rejecting makes it ask again. Set once, before `open`.
   */
  beforeAnswer: ((member: Member) => Promise<void>) | undefined = undefined;
  /**
   * Called for each member that has answered, at most once for each time it appears. `late`, of ours only: it was known to all
   * whom it knew, and may have asked for state, before it knew this one, so that it may lack what was done here. Must not throw. Set once, before `open`.
   */
  onMet: (member: Member, kind: MemberKind, late: boolean) => void = () => undefined;
  readonly #deps: HelloDeps;
  readonly #timeoutMs: number;
  readonly #retryMs: number;
  readonly #tomcatPatienceMs: number;
  readonly #rpc: RpcChannel;
  readonly #greetings = new Map<string, Greeting>();
  /** Members that have probed us, by key, also before they are members here. */
  readonly #probedBy = new Set<string>();
  #waiting: (() => void)[] = [];
  #knownToAll = false;
  /** Senders of a hello that are no members yet: called when one becomes a member, or when there is nothing to wait for any more. */
  readonly #unanswered = new Set<(member: Member | undefined) => void>();

  constructor(deps: HelloDeps, options: HelloOptions = {}) {
    this.#deps = deps;
    this.#timeoutMs = options.timeoutMs ?? 3000;
    this.#retryMs = options.retryMs ?? 1000;
    this.#tomcatPatienceMs = options.tomcatPatienceMs ?? 6000;
    const handler: RpcHandler = {
      replyRequest: async (said, sender) => {
        if (!this.#greetings.has(sender.key)) await this.#onceMember(sender);
        await this.beforeAnswer?.(sender);
        this.#learn(sender, "ours", said);
        return this.#greeting;
      },
    };
    this.#rpc = new RpcChannel({ ...deps, carrier: deps.channel }, { rpcId: HELLO_RPC_ID }, handler);
  }

  /** Before the channel starts: from then on every member that appears gets a hello. */
  open(): void {
    this.#knownToAll = false;
    this.#rpc.open();
    this.#deps.channel.addMembershipListener(this);
  }

  /** Ends every hello that is under way. */
  close(): void {
    this.#deps.channel.removeMembershipListener(this);
    this.#rpc.close();
    for (const greeting of this.#greetings.values()) this.#end(greeting);
    this.#greetings.clear();
    this.#probedBy.clear();
    for (const tell of [...this.#unanswered]) tell(undefined);
    this.#wake();
  }

  /** Undefined while it is not known, and for who is no member. */
  kindOf(member: Member): MemberKind | undefined {
    return this.#greetings.get(member.key)?.kind;
  }

  /**
   * Resolves when each member has answered and writes to us from now on, or has gone. That may take for ever: a member that neither
   * answers nor fails its probe keeps a joiner waiting (rule 5). Rejects only with the reason of the signal.
   */
  async everyMemberAnswered(signal?: AbortSignal): Promise<void> {
    const wake = () => this.#wake();
    signal?.addEventListener("abort", wake);
    try {
      while ([...this.#greetings.values()].some((greeting) => !greeting.knowsUs)) {
        signal?.throwIfAborted();
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  /** This member begins to ask for state: who meets it from now on has not been asked to wait. */
  knownToAll(): void {
    this.#knownToAll = true;
  }

  memberAdded(member: Member): void {
    const greeting: Greeting = { member, ended: new AbortController(), kind: undefined, knowsUs: false, timer: undefined };
    this.#greetings.set(member.key, greeting);
    for (const tell of [...this.#unanswered]) tell(member);
    void this.#greet(greeting);
  }

  memberDisappeared(member: Member): void {
    const greeting = this.#greetings.get(member.key);
    if (greeting) this.#end(greeting);
    this.#greetings.delete(member.key);
    this.#probedBy.delete(member.key);
    this.#wake();
  }

  /** The failure detector of this member has asked whether we live. */
  probedBy(member: Member): void {
    if (this.#probedBy.has(member.key)) return;
    this.#probedBy.add(member.key);
    const greeting = this.#greetings.get(member.key);
    if (greeting?.kind === "Tomcat") this.#knowsUs(greeting);
  }

  /** Rejects after the time that the greeting member waits for its answer: it greets again. */
  #onceMember(sender: Member): Promise<void> {
    return new Promise((resolve, reject) => {
      const tell = (member: Member | undefined) => {
        if (member !== undefined && member.key !== sender.key) return;
        this.#unanswered.delete(tell);
        timer.cancel();
        if (member === undefined) {
          reject(new NotYetMemberError(sender.name));
          return;
        }
        resolve();
      };
      const timer = this.#deps.clock.setTimeout(() => tell(undefined), this.#timeoutMs);
      this.#unanswered.add(tell);
    });
  }

  /** Ends when it is known what the member is, also from a hello of its own: who greets us knows us. */
  async #greet(greeting: Greeting): Promise<void> {
    const { signal } = greeting.ended;
    while (!signal.aborted) {
      const result = await this.#sayHello(greeting.member);
      if (signal.aborted) return;
      const reply = result?.replies[0];
      if (reply) this.#learn(greeting.member, "ours", reply.message);
      else if (result && result.refused.length > 0) this.#learn(greeting.member, "Tomcat");
      else await delay(this.#deps.clock, this.#retryMs, signal).catch(() => undefined);
    }
  }

  get #greeting(): string {
    return this.#knownToAll ? GREETING_KNOWN : GREETING;
  }

  async #sayHello(member: Member): Promise<RpcResult | undefined> {
    try {
      if (this.beforeAnswer) await this.beforeAnswer(member);
      return await this.#rpc.call([member], this.#greeting, {
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

  #learn(member: Member, kind: MemberKind, said?: JavaValue): void {
    const greeting = this.#greetings.get(member.key);
    if (!greeting || greeting.kind !== undefined) return;
    greeting.kind = kind;
    greeting.ended.abort();
    this.#deps.logger.info({ member: member.name, kind }, "Member answered");
    this.onKind(member, kind);
    this.onMet(member, kind, said === GREETING_KNOWN);
    if (kind === "ours" || this.#probedBy.has(member.key)) this.#knowsUs(greeting);
    else greeting.timer = this.#deps.clock.setTimeout(() => this.#knowsUs(greeting), this.#tomcatPatienceMs);
  }

  #knowsUs(greeting: Greeting): void {
    greeting.timer?.cancel();
    greeting.knowsUs = true;
    this.#wake();
  }

  #end(greeting: Greeting): void {
    greeting.ended.abort();
    greeting.timer?.cancel();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
