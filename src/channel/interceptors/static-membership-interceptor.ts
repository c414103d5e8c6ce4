// Adds the members of a configuration to those that the membership finds (Tomcat: StaticMembershipInterceptor; tribes.md 12.4).
import { asError, type Clock, type Logger, type Random } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { type ConfiguredMembers, placeOf } from "../membership/configured-member.ts";
import { randomUuid } from "../uuid.ts";
import { canonicalAddress } from "../wire/ip-address.ts";
import { createMember, isShutdown, SHUTDOWN_COMMAND } from "../wire/member-block.ts";

export interface StaticMembershipInterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
}

export interface StaticMembershipInterceptorOptions extends ConfiguredMembers {
  /** Options of the notices; default 0. */
  readonly optionFlag: number;
}

/** Bodies of the notices. */
export const STARTED: Buffer = Buffer.from("Local StaticMember Notification Data", "latin1");
export const STOPPED: Buffer = Buffer.from("Local StaticMember Shutdown Data", "latin1");

/**
 * A configured member is one for the layers above from the start on, until its good-bye, and again from its next notice or heartbeat
 * on: whether it lives is for a TcpFailureDetector above to ask. Notices are not encrypted, being below that layer too.
 */
export class StaticMembershipInterceptor extends ChannelInterceptor {
  readonly #deps: StaticMembershipInterceptorDeps;
  readonly #options: StaticMembershipInterceptorOptions;
  /** By place, the local one not among them. */
  readonly #configured = new Map<string, Member>();
  /** Those that have said good-bye, by place. */
  readonly #left = new Set<string>();
  #local: Member | undefined;
  #announcing: Promise<void> = Promise.resolve();

  constructor(deps: StaticMembershipInterceptorDeps, options: StaticMembershipInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  /** The configured one; else the one of the members that listens here, else the membership's. */
  override get localMember(): Member {
    return this.#local ?? this.#options.localMember ?? super.localMember;
  }

  /** In absolute order behind those that the membership found. */
  override get members(): readonly Member[] {
    const configured = [...this.#configured].filter(([place]) => !this.#left.has(place));
    return [...super.members, ...configured.map(([, member]) => member)];
  }

  override async start(): Promise<void> {
    const here = placeOf(super.localMember);
    const local = this.#options.localMember ?? this.#options.members.find((member) => placeOf(member) === here);
    if (local) this.#local = createMember({ ...local, aliveTimeMs: 0 });
    for (const member of this.#options.members) {
      if (placeOf(member) !== here) this.#configured.set(placeOf(member), member);
    }
    for (const member of this.#configured.values()) this.above.memberAdded(member);
    // Not awaited: who does not listen yet sends a notice of its own.
    this.#announcing = Promise.all([...this.#configured.values()].map((member) => this.#notify([member], STARTED))).then(() => undefined);
  }

  override async stop(): Promise<void> {
    await this.#announcing;
  }

  override async sayGoodbye(members: readonly Member[]): Promise<void> {
    await this.#notify(members, STOPPED);
    await super.sayGoodbye(members);
  }

  /** Whoever has left may be back and its notice lost. */
  override heartbeat(): void {
    super.heartbeat();
    for (const place of [...this.#left]) this.#add(place);
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    const place = placeOf(message.address);
    const known = this.#configured.has(place);
    if (known && isShutdown(message.address)) this.#leave(place);
    if (message.body.equals(STARTED)) {
      if (known) this.#add(place);
      return undefined;
    }
    if (message.body.equals(STOPPED)) {
      if (known) this.#leave(place);
      return undefined;
    }
    return this.above.messageReceived(message);
  }

  /** Rule 20: whether a configured member has this address. */
  isKnown(address: string): boolean {
    return this.#options.members.some((member) => member.address === canonicalAddress(address));
  }

  /** The configured member that listens where this sender does; undefined for one that says good-bye. */
  memberAt(sender: Member): Member | undefined {
    return isShutdown(sender) ? undefined : this.#configured.get(placeOf(sender));
  }

  #add(place: string): void {
    this.#left.delete(place);
    this.above.memberAdded(this.#configured.get(place)!);
  }

  /** A good-bye is final: nobody asks the member. */
  #leave(place: string): void {
    this.#left.add(place);
    this.above.memberDisappeared(createMember({ ...this.#configured.get(place)!, command: SHUTDOWN_COMMAND }));
  }

  async #notify(members: readonly Member[], body: Buffer): Promise<void> {
    if (members.length === 0) return;
    const notice = {
      options: this.#options.optionFlag,
      timestamp: this.#deps.clock.now(),
      uniqueId: randomUuid(this.#deps.random),
      address: this.localMember,
      body,
    };
    try {
      await this.below.sendMessage(members, notice);
    } catch (error) {
      this.#deps.logger.debug({ err: asError(error) }, "A notice did not reach every configured member");
    }
  }
}
