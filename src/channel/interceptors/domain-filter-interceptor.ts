// Takes members and messages of one domain only (Tomcat: DomainFilterInterceptor; tribes.md 12.9).
import type { Logger } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { OtherDomainError } from "../stack-errors.ts";

export interface DomainFilterInterceptorDeps {
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "refused">;
}

export interface DomainFilterInterceptorOptions {
  /** What the domain of a member has to equal; default empty: members without one. */
  readonly domain: Buffer;
  /** Refused messages from one line in the log to the next; default 100. */
  readonly logInterval: number;
}

/** Members that DNS finds have no domain: with any but the empty one nobody of them is taken. What is sent is not filtered. */
export class DomainFilterInterceptor extends ChannelInterceptor {
  readonly #deps: DomainFilterInterceptorDeps;
  readonly #options: DomainFilterInterceptorOptions;
  /** Those that the layers above know, by key. */
  readonly #taken = new Map<string, Member>();
  #members: readonly Member[] = [];
  #refusals = 0;

  constructor(deps: DomainFilterInterceptorDeps, options: DomainFilterInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  override get members(): readonly Member[] {
    return this.#members;
  }

  override get suspects(): readonly Member[] {
    return this.below.suspects.filter((member) => this.#isOurs(member));
  }

  override memberAdded(member: Member): void {
    if (!this.#isOurs(member)) {
      this.#deps.logger.info({ member: member.name, domain: member.domain.toString("latin1") }, "Member of another domain is not taken");
      return;
    }
    this.#taken.set(member.key, member);
    this.#members = [...this.#taken.values()];
    super.memberAdded(member);
  }

  override memberDisappeared(member: Member): void {
    if (!this.#taken.delete(member.key)) return;
    this.#members = [...this.#taken.values()];
    super.memberDisappeared(member);
  }

  /** Throwing is what answers FAIL_ACK (rule 12). */
  override messageReceived(message: ChannelMessage): void | Promise<void> {
    const { address } = message;
    if (this.#isOurs(address)) return this.above.messageReceived(message);
    this.#deps.metrics.refused.inc({ reason: "domain" });
    this.#refusals++;
    if (this.#refusals >= this.#options.logInterval) {
      const fields = { sender: address.name, domain: address.domain.toString("latin1"), messages: this.#refusals };
      this.#deps.logger.warn(fields, "Refused messages of another domain");
      this.#refusals = 0;
    }
    throw new OtherDomainError(address.name);
  }

  #isOurs(member: Member): boolean {
    return member.domain.equals(this.#options.domain);
  }
}
