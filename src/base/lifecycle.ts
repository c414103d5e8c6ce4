// One life cycle for everything that runs.
import { asError } from "./errors.ts";

/**
 * `start` is called once and resolves when the thing does its work; when it rejects, nothing of it is left open.
 * `stop` is called once, only after a successful `start`, resolves when nothing of it is left open, and does not reject
 * for what a peer does.
 */
export interface Lifecycle {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts members in order and stops them in reverse; when one fails to start, those before it are stopped again. */
export class LifecycleGroup implements Lifecycle {
  readonly #members: readonly Lifecycle[];
  #started: Lifecycle[] = [];

  constructor(members: readonly Lifecycle[]) {
    this.#members = members;
  }

  async start(): Promise<void> {
    for (const member of this.#members) {
      try {
        await member.start();
      } catch (error) {
        const errors = await this.#stopStarted();
        if (errors.length > 0) throw new AggregateError([asError(error), ...errors], asError(error).message, { cause: error });
        throw error;
      }
      this.#started.push(member);
    }
  }

  /** Every member gets its stop, also when one before it fails; the failures are thrown together at the end. */
  async stop(): Promise<void> {
    const errors = await this.#stopStarted();
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, "Several parts failed to stop");
  }

  async #stopStarted(): Promise<Error[]> {
    const errors: Error[] = [];
    for (const member of this.#started.reverse()) {
      try {
        await member.stop();
      } catch (error) {
        errors.push(asError(error));
      }
    }
    this.#started = [];
    return errors;
  }
}
