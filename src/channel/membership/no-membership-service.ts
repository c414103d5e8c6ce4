// Finds nobody: channelStartOptions starts no membership, and a StaticMembershipInterceptor knows the members (tribes.md 10, 12.4).
import type { Random } from "../../base/index.ts";
import type { Member, MembershipListener, ReceiverPorts } from "../channel.ts";
import { randomUuid } from "../uuid.ts";
import { isLoopback, isLoopbackText } from "../wire/ip-address.ts";
import { createMember } from "../wire/member-block.ts";
import type { GroupMembership } from "./group-membership.ts";

export class NoMembershipService implements GroupMembership {
  listener: MembershipListener = { memberAdded: () => undefined, memberDisappeared: () => undefined };
  readonly members: readonly Member[] = [];
  /** Nobody is missing from a list that nobody keeps. */
  readonly listsLocalMember = true;
  readonly #random: Random;
  #local: Member | undefined;

  constructor(deps: { readonly random: Random }) {
    this.#random = deps.random;
  }

  /** Valid after `start` was called; with an id of its own for each start, as a Tomcat's. */
  get localMember(): Member {
    return this.#local!;
  }

  async start({ address, port, udpPort = -1, securePort = -1 }: ReceiverPorts): Promise<void> {
    this.#local = createMember({ address, port, udpPort, securePort, uniqueId: randomUuid(this.#random), aliveTimeMs: 0 });
  }

  async stop(): Promise<void> {
    // Nothing runs.
  }

  /** Members on loopback addresses may connect from any of them. */
  isKnown(address: string): boolean {
    return this.#local !== undefined && isLoopback(this.#local.host) && isLoopbackText(address);
  }

  async admit(address: string): Promise<boolean> {
    return this.isKnown(address);
  }

  messageFrom(): undefined {
    return undefined;
  }

  heartbeat(): void {
    // Nobody is looked for.
  }
}
