// A send that somebody wants to hear of after `send` has resolved (Tomcat: InterceptorPayload with its ErrorHandler).
import { asError } from "../base/index.ts";
import type { ErrorHandler, SendReport } from "./channel.ts";
import { jointError } from "./interceptors/joint-send.ts";

/** One for each message with an error handler. Layers above the dispatcher may have made several of it: all count as one. */
export class PendingSend implements SendReport {
  readonly #handler: ErrorHandler;
  readonly #uniqueId: Buffer;
  /** Parts of it that are on their way, and `send` itself. */
  #open = 1;
  #failures: Error[] = [];
  #rejected = false;

  constructor(handler: ErrorHandler, uniqueId: Buffer) {
    this.#handler = handler;
    this.#uniqueId = uniqueId;
  }

  begin(): void {
    this.#open++;
  }

  end(): void {
    this.#open--;
    if (this.#open > 0 || this.#rejected) return;
    if (this.#failures.length > 0) this.#handler.handleError(asError(jointError(this.#failures)), this.#uniqueId);
    else this.#handler.handleCompletion(this.#uniqueId);
  }

  /** A part has failed; after the end of all it is told at once. */
  failed(error: Error): void {
    if (this.#rejected) return;
    if (this.#open > 0) this.#failures.push(error);
    else this.#handler.handleError(error, this.#uniqueId);
  }

  /** `send` has rejected: whoever called it knows. */
  reject(): void {
    this.#rejected = true;
  }
}
