// Writes what frames say into the log at debug level, and no more of it than a log can take.
import type { Clock, Logger } from "../base/index.ts";
import type { ChannelMessage, Member } from "./channel.ts";
import { describeMessage } from "./wire/describe-message.ts";

const LINES_PER_SECOND = 100;
const SECOND_MS = 1000;
const NAMED_DESTINATIONS = 16;

export class FrameLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #secondEndsMs = 0;
  #lines = 0;
  #omitted = 0;

  constructor(deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  sent(destinations: readonly Member[], message: ChannelMessage): void {
    if (!this.#admits()) return;
    const to = destinations.slice(0, NAMED_DESTINATIONS).map(({ name }) => name);
    this.#write({ to, destinations: destinations.length, ...describeMessage(message) }, "Frame sent");
  }

  received(message: ChannelMessage): void {
    if (this.#admits()) this.#write(describeMessage(message), "Frame received");
  }

  #admits(): boolean {
    if (!this.#logger.isLevelEnabled("debug")) return false;
    const nowMs = this.#clock.monotonic();
    if (nowMs >= this.#secondEndsMs) {
      this.#secondEndsMs = nowMs + SECOND_MS;
      this.#lines = 0;
    }
    if (this.#lines++ < LINES_PER_SECOND) return true;
    this.#omitted++;
    return false;
  }

  #write(fields: object, sentence: string): void {
    this.#logger.debug(this.#omitted === 0 ? fields : { ...fields, omittedBefore: this.#omitted }, sentence);
    this.#omitted = 0;
  }
}
