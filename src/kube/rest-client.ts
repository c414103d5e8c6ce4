// One request to the API server and its answer: limited, timed, tried again when that is safe, counted.
import type { Readable } from "node:stream";
import { asError, type Clock, delay, type Random, systemErrorCode } from "../base/index.ts";
import type { ClientMetrics } from "./client-metrics.ts";
import type { Connection, ConnectionPool } from "./connection-pool.ts";
import { ApiError, ConnectionError, InvalidAnswerError, RequestTimeoutError } from "./errors.ts";
import type { Status } from "./kube-object.ts";
import { type RateLimit, RateLimiter } from "./rate-limiter.ts";
import { retryDelayMs } from "./retry-policy.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default "application/json". */
  readonly contentType?: string;
  /** Which form of the answer is wanted. Default "application/json". */
  readonly accept?: string;
  /** Default `requestTimeoutMs`; for one attempt. */
  readonly timeoutMs?: number | undefined;
  /** Attempts after the first. Default 4: about 3 s of waiting in all. */
  readonly retries?: number;
  /** Goes before all that the rate limit holds back: for what has a deadline. Default false. */
  readonly isUrgent?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface RestClientOptions {
  readonly userAgent: string;
  /** Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** Default 100 a second, 200 at once. The API server has its own fairness: this is for our own mistakes. */
  readonly rateLimit?: RateLimit;
}

const REQUEST_TIMEOUT_MS = 30_000;
const RATE_LIMIT: RateLimit = { perSecond: 100, burst: 200 };
const RETRIES = 4;
/** A page of 100 objects of 640 KiB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** System errors of certificates: ours or the server's may have been replaced on disk. */
const UNTRUSTED = /CERT|TLS|SSL|SIGNATURE/;

/** What an attempt needs to say, whether it ends with an answer or without. */
interface Attempt {
  readonly connection: Connection;
  readonly startedMs: number;
}

export class RestClient {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #metrics: ClientMetrics;
  readonly #pool: ConnectionPool;
  readonly #options: RestClientOptions;
  readonly #limiter: RateLimiter;

  constructor(
    deps: { readonly clock: Clock; readonly random: Random; readonly metrics: ClientMetrics; readonly pool: ConnectionPool },
    options: RestClientOptions,
  ) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#metrics = deps.metrics;
    this.#pool = deps.pool;
    this.#options = options;
    this.#limiter = new RateLimiter(deps.clock, options.rateLimit ?? RATE_LIMIT);
  }

  /**
   * The answer's object. Rejects with ApiError, RequestTimeoutError, ConnectionError, InvalidAnswerError, CredentialsError, or the reason
   * of the signal. A time-out is not tried again: whoever asked decides.
   */
  async send<T>(request: ApiRequest): Promise<T> {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    for (let failures = 1; ; failures++) {
      try {
        return await this.#sendOnce<T>(request, body);
      } catch (error) {
        const delayMs = failures > (request.retries ?? RETRIES) ? undefined : retryDelayMs(error, request.method, failures, this.#random);
        if (delayMs === undefined) throw error;
        const { host } = await this.#pool.connection();
        this.#metrics.retried(request.method, host, error instanceof ApiError ? error.statusCode : "<error>");
        await delay(this.#clock, delayMs, request.signal);
      }
    }
  }

  /**
   * An answer that comes in pieces, once its head is there: time-out and signal end there too, and whoever reads the body destroys it. Not
   * tried again. Rejects as `send` does.
   */
  async open(request: ApiRequest): Promise<Readable> {
    const { body } = await this.#timed(request, (signal) => this.#answer(request, undefined, signal));
    return body;
  }

  async #sendOnce<T>(request: ApiRequest, body: string | undefined): Promise<T> {
    return this.#timed(request, async (signal) => {
      const { attempt, body: answer } = await this.#answer(request, body, signal);
      const text = await readText(answer, what(request));
      this.#metrics.transferred(request.method, attempt.connection.host, Buffer.byteLength(body ?? ""), Buffer.byteLength(text));
      try {
        return JSON.parse(text) as T;
      } catch (error) {
        throw new InvalidAnswerError(`${what(request)} was answered by something that is no JSON`, { cause: error });
      }
    });
  }

  /** Runs one attempt with a signal that the time-out and the caller's signal abort, both until the attempt ends. */
  async #timed<T>(request: ApiRequest, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await this.#limited(request);
    request.signal?.throwIfAborted();
    const timeoutMs = request.timeoutMs ?? this.#options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    const abort = new AbortController();
    const timer = this.#clock.setTimeout(() => abort.abort(new RequestTimeoutError(what(request), timeoutMs)), timeoutMs);
    const onAbort = () => abort.abort(request.signal?.reason);
    request.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await attempt(abort.signal);
    } catch (error) {
      if (abort.signal.aborted) throw abort.signal.reason;
      throw error;
    } finally {
      timer.cancel();
      request.signal?.removeEventListener("abort", onAbort);
    }
  }

  async #limited({ method, isUrgent, signal }: ApiRequest): Promise<void> {
    if (isUrgent) return;
    const startedMs = this.#clock.monotonic();
    await this.#limiter.take(signal);
    const waitedMs = this.#clock.monotonic() - startedMs;
    if (waitedMs > 0) this.#metrics.limited(method, (await this.#pool.connection()).host, waitedMs / 1000);
  }

  /** The head of a good answer, with its body still to be read; a bad one is read and thrown. */
  async #answer(request: ApiRequest, body: string | undefined, signal: AbortSignal): Promise<{ attempt: Attempt; body: Readable }> {
    const connection = await this.#pool.connection();
    const attempt: Attempt = { connection, startedMs: this.#clock.monotonic() };
    const answer = await connection.dispatcher
      .request({
        origin: connection.origin,
        path: connection.prefix + request.path + queryText(request.query),
        method: request.method,
        headers: {
          ...connection.headers,
          accept: request.accept ?? "application/json",
          "user-agent": this.#options.userAgent,
          ...(body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
        },
        body: body ?? null,
        signal,
      })
      .catch((error: unknown) => {
        this.#count(request, attempt, "<error>");
        if (UNTRUSTED.test(systemErrorCode(error) ?? "")) this.#pool.refused();
        throw new ConnectionError(what(request), asError(error));
      });
    this.#count(request, attempt, answer.statusCode);
    if (answer.statusCode < 300) return { attempt, body: answer.body };
    if (answer.statusCode === 401) this.#pool.refused();
    const text = await readText(answer.body, what(request));
    throw apiError(request, answer.statusCode, text, answer.headers["retry-after"]);
  }

  #count({ method }: ApiRequest, { connection, startedMs }: Attempt, code: number | "<error>"): void {
    this.#metrics.answered(method, connection.host, code, (this.#clock.monotonic() - startedMs) / 1000);
  }
}

function what({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}

function queryText(query: ApiRequest["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? "" : `?${parameters}`;
}

async function readText(body: Readable, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new InvalidAnswerError(`${what} was answered by more than ${MAX_ANSWER_BYTES} bytes`);
    }
  } catch (error) {
    if (error instanceof InvalidAnswerError) throw error;
    throw new ConnectionError(what, asError(error));
  }
  return Buffer.concat(chunks).toString("utf8");
}

function apiError(request: ApiRequest, statusCode: number, text: string, retryAfter: string | string[] | undefined): ApiError {
  const status = parseStatus(text);
  const seconds = typeof retryAfter === "string" ? Number(retryAfter) : status?.details?.retryAfterSeconds;
  const retryAfterMs = seconds !== undefined && seconds >= 0 ? seconds * 1000 : undefined;
  return new ApiError(what(request), statusCode, status, text, retryAfterMs);
}

function parseStatus(text: string): Status | undefined {
  try {
    const value = JSON.parse(text) as Partial<Status> | null;
    return value?.kind === "Status" ? (value as Status) : undefined;
  } catch {
    // A proxy's page: the text itself goes into the error.
    return undefined;
  }
}
