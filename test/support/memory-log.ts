// A logger whose lines a test reads.
import { createLogger, type Logger, type LogLevel } from "../../src/base/index.ts";

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export class MemoryLog {
  readonly logger: Logger;
  /** As it would have been written. */
  text = "";

  constructor(level: LogLevel = "info") {
    const write = (line: string) => {
      this.text += line;
    };
    this.logger = createLogger({ level }, { write });
  }

  get lines(): readonly LogLine[] {
    return this.text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as LogLine);
  }
}
