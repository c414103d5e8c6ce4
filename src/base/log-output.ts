// Where log lines go: a file or pipe that may be full, slow or gone without anyone waiting for it.

/** What is used of a stream, whose "error" events somebody listens to: `done` is called once, with the error if there was one. */
export interface LogSink {
  write(lines: string, done: (error?: Error | null) => void): unknown;
}

export interface LogOutputOptions {
  /** Of lines that wait while an earlier write is under way; further lines are lost. Default 1 MiB. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 1024 * 1024;

/**
 * Lines leave in the order of the calls; those that come while a write is under way leave together after it. A line that cannot be
 * written is lost and counted: a full disk, or a reader that has stopped, takes the log and not the process. (pino's own destination
 * throws then, keeps lines without bound, and tries for ever when the process ends.)
 */
export class LogOutput {
  /** Called after the first write that succeeds again, with how many lines were lost, wholly or in part. */
  onRecovered: (lostLines: number) => void = () => undefined;
  readonly #sink: LogSink;
  readonly #maxBytes: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #writing = false;
  #lostLines = 0;

  constructor(sink: LogSink, options: LogOutputOptions = {}) {
    this.#sink = sink;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  }

  /** One line with its end. Never throws, never waits. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#waitingBytes + bytes > this.#maxBytes) {
      this.#lostLines += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
    if (!this.#writing) this.#writeWaiting();
  }

  /** For the last moment of a process: hands over what waits, whatever happens to it. */
  flush(): void {
    if (this.#waiting.length > 0) this.#sink.write(this.#take(), () => undefined);
  }

  #writeWaiting(): void {
    const lines = this.#waiting.length;
    this.#writing = true;
    this.#sink.write(this.#take(), (error) => {
      this.#writing = false;
      if (error) this.#lostLines += lines;
      else this.#reportLost();
      if (!this.#writing && this.#waiting.length > 0) this.#writeWaiting();
    });
  }

  #take(): string {
    const lines = this.#waiting.join("");
    this.#waiting = [];
    this.#waitingBytes = 0;
    return lines;
  }

  #reportLost(): void {
    const lost = this.#lostLines;
    this.#lostLines = 0;
    if (lost > 0) this.onRecovered(lost);
  }
}
