// A child process that does what a test says.
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";

export class FakeProcess extends EventEmitter {
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly signals: string[] = [];
  /** Undefined: it could not be started. */
  readonly pid: number | undefined;

  constructor(pid: number | undefined) {
    super();
    this.pid = pid;
  }

  kill(signal: string): boolean {
    this.signals.push(signal);
    return true;
  }

  end(code: number | null, signal: string | null): void {
    this.stdout.end();
    this.stderr.end();
    this.emit("exit", code, signal);
  }
}
