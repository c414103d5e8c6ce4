// Asks a process's /readyz, as a kubelet does, and reports when the answer changes.
import { asError, type Clock, type Timer } from "../base/index.ts";
import { httpGet } from "./http-get.ts";

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

export interface ReadinessProbeDeps {
  readonly clock: Clock;
  /** Must not reject. */
  fetch(url: string, timeoutMs: number): Promise<Readiness>;
  onReady(): void;
  onNotReady(reason: string): void;
}

export interface ReadinessProbeOptions {
  readonly url: string;
  /** Between two questions until the first yes; default 100. */
  readonly startupPeriodMs?: number;
  /** Between two questions afterwards; default 500. */
  readonly periodMs?: number;
  /** One question; default 1000. */
  readonly timeoutMs?: number;
}

const MAX_REASON_CHARACTERS = 4096;

export class ReadinessProbe {
  readonly #deps: ReadinessProbeDeps;
  readonly #options: Required<ReadinessProbeOptions>;
  #timer: Timer | undefined;
  /** Changes with every begin and end: an answer to a question of an earlier run is dropped. */
  #run = 0;
  #ready = false;
  #reason = "not started";

  constructor(deps: ReadinessProbeDeps, options: ReadinessProbeOptions) {
    this.#deps = deps;
    this.#options = { startupPeriodMs: 100, periodMs: 500, timeoutMs: 1000, ...options };
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Why not, in the process's own words. */
  get reason(): string {
    return this.#reason;
  }

  /** A process has started: not ready until it says so. */
  begin(): void {
    this.end();
    this.#reason = "starting";
    void this.#ask(this.#run);
  }

  /** The process has ended; reports nothing. */
  end(): void {
    this.#run += 1;
    this.#timer?.cancel();
    this.#ready = false;
    this.#reason = "not running";
  }

  async #ask(run: number): Promise<void> {
    const readiness = await this.#deps.fetch(this.#options.url, this.#options.timeoutMs);
    if (run !== this.#run) return;
    const { startupPeriodMs, periodMs } = this.#options;
    this.#timer = this.#deps.clock.setTimeout(() => void this.#ask(run), readiness.ready ? periodMs : startupPeriodMs);
    const was = this.#ready;
    this.#ready = readiness.ready;
    if (!readiness.ready) this.#reason = readiness.reason;
    if (readiness.ready && !was) this.#deps.onReady();
    if (!readiness.ready && was) this.#deps.onNotReady(readiness.reason);
  }
}

/** One GET: 200 is ready; another answer's text, or the failure, is the reason. */
export async function fetchReadiness(url: string, timeoutMs: number): Promise<Readiness> {
  try {
    const { status, body } = await httpGet(url, timeoutMs);
    if (status === 200) return { ready: true };
    return { ready: false, reason: body.slice(0, MAX_REASON_CHARACTERS).trim() || `status ${status}` };
  } catch (error) {
    return { ready: false, reason: asError(error).message };
  }
}
