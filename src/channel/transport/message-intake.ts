// What every received message goes through, whatever carried it: repeats get the first answer (rule 12), refusals are logged and counted.
import { asError, type Logger } from "../../base/index.ts";
import type { ChannelMessage } from "../channel.ts";
import { QuietRefusalError } from "../errors.ts";
import type { Outcome, OutcomeMemory } from "./outcome-memory.ts";
import type { TransportMetrics } from "./transport-metrics.ts";

export interface MessageIntakeDeps {
  readonly logger: Logger;
  readonly metrics: TransportMetrics;
  readonly memory: OutcomeMemory;
  readonly onMessage: (message: ChannelMessage) => void | Promise<void>;
}

/** Told of a refusal before the outcome. */
export type OnRefused = (message: ChannelMessage, error: unknown) => void;

export class MessageIntake {
  readonly #deps: MessageIntakeDeps;
  #newMessages = 0;

  constructor(deps: MessageIntakeDeps) {
    this.#deps = deps;
  }

  /** Whether the message was processed; a promise does not reject. */
  take(message: ChannelMessage, onRefused: OnRefused): Outcome {
    const { memory, metrics } = this.#deps;
    const checksum = memory.checksumOf(message);
    const known = memory.recall(message.uniqueId, checksum);
    if (known === undefined) return this.#process(message, checksum, onRefused);
    metrics.duplicateMessages.inc();
    return known;
  }

  /** Counts what was new since the last call: once for a batch. */
  count(): void {
    if (this.#newMessages > 0) this.#deps.metrics.receivedMessages.inc(this.#newMessages);
    this.#newMessages = 0;
  }

  #process(message: ChannelMessage, checksum: number, onRefused: OnRefused): Outcome {
    const { memory } = this.#deps;
    const { uniqueId } = message;
    this.#newMessages++;
    let result: void | Promise<void>;
    try {
      result = this.#deps.onMessage(message);
    } catch (error) {
      memory.remember(uniqueId, checksum, false);
      return this.#refused(message, error, onRefused);
    }
    if (result === undefined) {
      memory.remember(uniqueId, checksum, true);
      return true;
    }
    const outcome = Promise.resolve(result)
      .then(
        () => true,
        (error: unknown) => this.#refused(message, error, onRefused),
      )
      .then((processed) => {
        memory.settle(uniqueId, checksum, processed);
        return processed;
      });
    memory.remember(uniqueId, checksum, outcome);
    return outcome;
  }

  #refused(message: ChannelMessage, error: unknown, onRefused: OnRefused): false {
    this.#deps.metrics.receiveFailures.processing.inc();
    const level = error instanceof QuietRefusalError ? "debug" : "warn";
    this.#deps.logger[level]({ sender: message.address.name, err: asError(error) }, "A received message could not be processed");
    onRefused(message, error);
    return false;
  }
}
