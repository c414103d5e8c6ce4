// What happened in a run, line by line: kept only when somebody is going to read it.
import { createLogger, type Logger, silentLogger } from "../../../src/base/index.ts";
import type { VirtualTime } from "../../support/virtual-time.ts";

export class Trace {
  readonly lines: string[] = [];
  readonly enabled: boolean;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime, enabled: boolean) {
    this.#time = time;
    this.enabled = enabled;
  }

  /** `what` is only asked for when it is kept. */
  note(who: string, what: () => string): void {
    if (this.enabled) this.lines.push(`${(this.#time.nowMs / 1000).toFixed(3).padStart(9)} ${who.padEnd(9)} ${what()}`);
  }

  /** The log of one process, in this trace. */
  logger(who: string): Logger {
    if (!this.enabled) return silentLogger;
    return createLogger({ level: "debug" }, { write: (line) => this.note(who, () => readable(line)) });
  }
}

function readable(line: string): string {
  const { level, time, msg, component, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const cause = (err as { message?: string } | undefined)?.message;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  return `log ${String(level)} "${String(msg)}" ${rest.join(" ")}${cause === undefined ? "" : ` (${cause})`}`;
}
