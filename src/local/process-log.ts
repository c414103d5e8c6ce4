// What one process prints, run after run: kept in a file of bounded size, and handed on line by line.
import { closeSync, openSync, renameSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";
import type { Logger } from "../base/index.ts";
import { LineSplitter } from "./line-splitter.ts";

export interface ProcessLogDeps {
  readonly logger: Logger;
  /** Each line of standard output. */
  onLine(line: string): void;
}

export interface ProcessLogOptions {
  readonly path: string;
  /** The file is renamed to `<path>.1`, in place of an older one, when it has this size; default 16 MiB. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const MAX_LINE_BYTES = 64 * 1024;
const KEPT_ERROR_LINES = 12;

export class ProcessLog {
  readonly #deps: ProcessLogDeps;
  readonly #path: string;
  readonly #maxBytes: number;
  /** Undefined when closed, or when the file cannot be written. */
  #file: number | undefined;
  #bytes = 0;
  #errorLines: string[] = [];

  constructor(deps: ProcessLogDeps, options: ProcessLogOptions) {
    this.#deps = deps;
    this.#path = options.path;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#guard(() => {
      this.#file = openSync(this.#path, "a");
    });
  }

  /** The last lines of standard error of the newest process: why it ended, when it ended by itself. */
  get lastErrors(): string {
    return this.#errorLines.join("\n");
  }

  /** Takes the streams of a new process; resolves when both have ended. */
  async attach(stdout: Readable, stderr: Readable): Promise<void> {
    const errorLines: string[] = [];
    this.#errorLines = errorLines;
    await Promise.all([
      this.#follow(stdout, (line) => this.#deps.onLine(line)),
      this.#follow(stderr, (line) => {
        errorLines.push(line);
        if (errorLines.length > KEPT_ERROR_LINES) errorLines.shift();
      }),
    ]);
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) this.#guard(() => closeSync(file));
  }

  #follow(stream: Readable, onLine: (line: string) => void): Promise<void> {
    const lines = new LineSplitter(onLine, { maxLineBytes: MAX_LINE_BYTES });
    return new Promise((resolve) => {
      stream.on("data", (chunk: Buffer) => {
        lines.push(chunk);
        this.#write(chunk);
      });
      stream.on("end", () => {
        lines.end();
        resolve();
      });
      stream.on("error", (error) => {
        this.#deps.logger.warn({ err: error }, "Output of a process could not be read");
        resolve();
      });
    });
  }

  /** Synchronous: the processes' pipes are never left full while a file is slow, and nothing is queued. */
  #write(chunk: Buffer): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#guard(() => {
      writeSync(file, chunk);
      this.#bytes += chunk.length;
      if (this.#bytes < this.#maxBytes) return;
      this.#bytes = 0;
      closeSync(file);
      renameSync(this.#path, `${this.#path}.1`);
      this.#file = openSync(this.#path, "a");
    });
  }

  /** A full disk takes the log, not the cluster. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#file = undefined;
      this.#deps.logger.error({ err: error, path: this.#path }, "Log file could not be written");
    }
  }
}
