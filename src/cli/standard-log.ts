// The log of a process that serves: standard output, which may be full or unread without harm to what is served.
import { createLogger, type Logger, type LoggerOptions, LogOutput } from "../base/index.ts";

export interface StandardLog {
  readonly logger: Logger;
  /** A line of another kind between those of the logger, without its end. */
  writeLine(line: string): void;
}

export function openStandardLog(options: LoggerOptions): StandardLog {
  const output = new LogOutput(process.stdout);
  // Each write hears of it too; without a listener, a full disk would end the process.
  process.stdout.on("error", () => undefined);
  const logger = createLogger(options, output);
  output.onRecovered = (lines) => logger.warn({ lines }, "Log lines before this one are lost: standard output could not be written");
  process.on("exit", () => output.flush());
  return { logger, writeLine: (line) => output.write(`${line}\n`) };
}
