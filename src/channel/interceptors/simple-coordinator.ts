// The first of all members leads, once the membership has come to rest (Tomcat: SimpleCoordinator; tribes.md 12.13).
import type { Clock, Logger, Timer } from "../../base/index.ts";
import type { Member } from "../channel.ts";
import type { CoordinationDescription } from "../describe-channel.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { describeView, inAbsoluteOrder, isSameView } from "./coordination-view.ts";

export interface SimpleCoordinatorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Ten of a Tomcat's looks, 250 ms apart, without a change. */
const REST_MS = 2500;

/** No messages: members that see different others have different views. Nobody waits for it, as the notifying thread of a Tomcat does. */
export class SimpleCoordinator extends ChannelInterceptor {
  readonly #deps: SimpleCoordinatorDeps;
  #view: readonly Member[] = [];
  #rest: Timer | undefined;
  #started = false;

  constructor(deps: SimpleCoordinatorDeps) {
    super();
    this.#deps = deps;
  }

  override async start(): Promise<void> {
    this.#started = true;
    this.#changed();
  }

  override async stop(): Promise<void> {
    this.#started = false;
    this.#view = [];
    this.#rest?.cancel();
  }

  override memberAdded(member: Member): void {
    super.memberAdded(member);
    this.#changed();
  }

  override memberDisappeared(member: Member): void {
    super.memberDisappeared(member);
    this.#changed();
  }

  override describe(): { readonly coordination: CoordinationDescription } {
    return { coordination: describeView(this.#view, () => this.localMember, undefined) };
  }

  #changed(): void {
    if (!this.#started) return;
    this.#rest?.cancel();
    this.#rest = this.#deps.clock.setTimeout(() => this.#install(), REST_MS);
  }

  #install(): void {
    const view = inAbsoluteOrder([...this.members, this.localMember]);
    if (isSameView(view, this.#view)) return;
    this.#view = view;
    this.#deps.logger.info({ coordinator: view[0]?.name, members: view.length }, "View installed");
  }
}
