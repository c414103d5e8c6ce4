// Structured logs: a constant message and fields, in pino's order: log.info({ member }, "Member disappeared").
import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";

/** Components take a child logger of their own: `logger.child({ component: "TcpFailureDetector" })`. */
export type Logger = PinoLogger;

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  level?: LogLevel;
  /** Fields that every line carries, such as the worker's name. */
  fields?: Record<string, unknown>;
}

/** One JSON object per line, errors under `err`. */
export function createLogger(options: LoggerOptions, destination: DestinationStream): Logger {
  const settings = {
    level: options.level ?? "info",
    base: options.fields ?? {},
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(settings, destination);
}

/** For unit tests and for embedding: swallows everything. */
export const silentLogger: Logger = pino({ level: "silent" });
