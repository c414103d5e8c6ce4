// Asks one worker's management port again and again whether it is ready, on one kept-alive connection.
import { Client } from "undici";
import { asError, type Clock, type Random, systemErrorCode, type Timer } from "../../base/index.ts";
import type { HealthResult } from "./worker-states.ts";

export interface HealthCheckOptions {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** `startedMs`: when the question was asked, of the clock's monotonic time; what happened since is not in the answer. */
export type HealthListener = (result: HealthResult, startedMs: number, error: Error | undefined) => void;

/** What a worker of ours says in its 503 while it drains (rule 18). */
const STATE_HEADER = "x-tomcat-cluster-state";
const MAX_BODY_BYTES = 16_384;
/** Up to a tenth of the interval, either way, so that balancers and workers do not fall into step. */
const JITTER = 0.1;
/** An early check asked for by `checkSoon` keeps this distance from the one before. */
const MIN_INTERVAL_MS = 100;

export class HealthCheck {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: HealthCheckOptions;
  readonly #listener: HealthListener;
  readonly #origin: URL;
  #client: Client | undefined;
  #timer: Timer | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #asking = false;
  #soon = false;
  #stopped = false;

  constructor(deps: { clock: Clock; random: Random }, options: HealthCheckOptions, listener: HealthListener) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#options = options;
    this.#listener = listener;
    this.#origin = new URL(`http://${options.address.includes(":") ? `[${options.address}]` : options.address}:${options.port}`);
  }

  start(): void {
    void this.#check();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    void this.#client?.destroy();
  }

  /** Something hints at a change: the next question comes now rather than at its time. */
  checkSoon(): void {
    if (this.#asking || this.#soon || this.#stopped) return;
    this.#soon = true;
    const waitMs = Math.max(0, this.#lastStartMs + MIN_INTERVAL_MS - this.#clock.monotonic());
    this.#schedule(waitMs);
  }

  async #check(): Promise<void> {
    this.#asking = true;
    this.#soon = false;
    const startedMs = this.#clock.monotonic();
    this.#lastStartMs = startedMs;
    const { result, error } = await this.#ask();
    this.#asking = false;
    if (this.#stopped) return;
    this.#schedule(this.#nextIntervalMs());
    this.#listener(result, startedMs, error);
  }

  async #ask(): Promise<{ result: HealthResult; error: Error | undefined }> {
    this.#client ??= new Client(this.#origin, {
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: this.#options.timeoutMs,
    });
    const abort = new AbortController();
    const timer = this.#clock.setTimeout(() => abort.abort(), this.#options.timeoutMs);
    try {
      const answer = await this.#client.request({ method: "GET", path: this.#options.path, signal: abort.signal });
      await answer.body.dump({ limit: MAX_BODY_BYTES, signal: abort.signal });
      return { result: resultOf(answer.statusCode, answer.headers[STATE_HEADER]), error: undefined };
    } catch (error) {
      void this.#client?.destroy();
      this.#client = undefined;
      return { result: systemErrorCode(error) === "ECONNREFUSED" ? "Refused" : "Silent", error: asError(error) };
    } finally {
      timer.cancel();
    }
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimeout(() => void this.#check(), delayMs);
  }

  #nextIntervalMs(): number {
    const chance = this.#random.bytes(2).readUInt16BE(0) / 0x1_0000;
    return this.#options.intervalMs * (1 + JITTER * (2 * chance - 1));
  }
}

function resultOf(status: number, state: string | string[] | undefined): HealthResult {
  if (status >= 200 && status < 300) return "Ready";
  return state === "draining" ? "Draining" : "NotReady";
}
