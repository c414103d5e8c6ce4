// A name resolver whose answers a test writes down.
import type { LookUp, NameResolver, ServiceRecord } from "../../src/base/index.ts";

export class ScriptedResolver implements NameResolver {
  /** What every look-up from now on answers. */
  answer: LookUp<string> = { kind: "absent" };
  lookUps = 0;
  /** How many run at the same time, at most. */
  mostAtOnce = 0;
  /** While set, look-ups wait for it. */
  gate: Promise<void> | undefined;
  #running = 0;

  found(...records: string[]): void {
    this.answer = { kind: "found", records };
  }

  absent(): void {
    this.answer = { kind: "absent" };
  }

  unavailable(): void {
    this.answer = { kind: "unavailable", reason: "ETIMEOUT" };
  }

  async addresses(): Promise<LookUp<string>> {
    this.lookUps++;
    this.#running++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#running);
    if (this.gate) await this.gate;
    this.#running--;
    return this.answer;
  }

  services(): Promise<LookUp<ServiceRecord>> {
    return Promise.resolve({ kind: "absent" });
  }
}
