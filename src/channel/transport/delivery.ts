// One send on its way to several members: one promise for all of them.
import type { Member } from "../channel.ts";
import { ChannelError, type FaultyMember } from "../errors.ts";

export class Delivery {
  readonly #resolve: () => void;
  readonly #reject: (error: ChannelError) => void;
  readonly #onSendFailed: (error: ChannelError) => void;
  #outstanding: number;
  #faultyMembers: FaultyMember[] | undefined;

  /** Must be told `destinations` times that one has succeeded or failed. `onSendFailed`: of one that had succeeded before. */
  constructor(
    destinations: number,
    resolve: () => void,
    reject: (error: ChannelError) => void,
    onSendFailed: (error: ChannelError) => void = () => undefined,
  ) {
    this.#outstanding = destinations;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onSendFailed = onSendFailed;
  }

  succeed(): void {
    this.#settleOne();
  }

  fail(member: Member, cause: Error): void {
    this.#faultyMembers ??= [];
    this.#faultyMembers.push({ member, cause });
    this.#settleOne();
  }

  /** The member counted as reached, but has not got the message after all. */
  failLate(member: Member, cause: Error): void {
    this.#onSendFailed(new ChannelError([{ member, cause }]));
  }

  #settleOne(): void {
    this.#outstanding--;
    if (this.#outstanding > 0) return;
    if (this.#faultyMembers) this.#reject(new ChannelError(this.#faultyMembers));
    else this.#resolve();
  }
}
