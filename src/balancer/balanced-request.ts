// One request on its way: hold its body if it is small, choose a worker, pass the answer on, and try again where rule 19 allows it.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type Clock, type Logger, systemErrorCode } from "../base/index.ts";
import { type GatedRequest, type ResponseHead, type SessionIdOptions, sessionIdsOf, stemOf } from "../protocol/index.ts";
import type { BalancerMetrics, OwnOutcome, RetryReason } from "./balancer-metrics.ts";
import { ClientBody, type ClientBodyLimits, type HeldMemory } from "./forward/client-body.ts";
import type { Attempt, AttemptFailure, AttemptListener } from "./forward/forwarder.ts";
import { RequestBodyCutError } from "./forward/request-body.ts";
import type { RunningRequest, RunningRequests } from "./running-requests.ts";
import type { BalancingMethod } from "./selection/balancing-method.ts";
import { selectWorker } from "./selection/select-worker.ts";
import type { SessionsInUse } from "./workers/sessions-in-use.ts";
import type { Worker } from "./workers/worker.ts";
import type { WorkerRegistry } from "./workers/worker-registry.ts";

export interface RequestLimits extends ClientBodyLimits {
  readonly bodyIdleMs: number;
  readonly answerMs: number;
  readonly answerIdleMs: number;
  readonly unresponsiveMs: number;
}

/** What all requests of a balancer share. */
export interface RequestContext extends HeldMemory {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly workers: WorkerRegistry;
  readonly method: BalancingMethod;
  readonly metrics: BalancerMetrics;
  readonly limits: RequestLimits;
  /** Undefined: sessions do not stick. */
  readonly sticky: (SessionIdOptions & { readonly force: boolean }) | undefined;
  /** Requests that the sweep looks at. */
  readonly running: RunningRequests;
  stopping: boolean;
}

/** The client's side of a request that asks for a WebSocket. */
export interface UpgradeOffer {
  readonly accept: (head: ResponseHead, workerSocket: Duplex) => void;
}

type Phase = "Receiving" | "Waiting" | "Answering" | "Discarding" | "Ended";

/** Repeating these changes nothing on the worker that the first try had not (RFC 9110 9.2.2). */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
/** Connecting failed for want of something on this machine: no worker's fault. */
const LOCAL_ERRORS: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "EADDRNOTAVAIL", "ENOBUFS", "ENOMEM"]);
/** After an early answer the rest of a body is read and dropped, so that the client sees the answer, but not for ever. */
const DISCARD_IDLE_MS = 5000;
const DISCARD_MS = 30_000;
const NO_SESSION_IDS: readonly string[] = [];
const isInUse = (worker: Worker, stem: string): boolean => worker.sessionsInUse?.isInUse(stem) ?? false;

export class BalancedRequest implements AttemptListener, RunningRequest {
  place = -1;
  readonly #context: RequestContext;
  readonly #head: GatedRequest;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #upgradeOffer: UpgradeOffer | undefined;
  readonly #startedMs: number;
  readonly #idempotent: boolean;
  readonly #body: ClientBody;
  readonly #tried: Worker[] = [];
  #phase: Phase = "Receiving";
  /** Time without progress, counted by the sweep: no request reads the clock or sets a timer for it. */
  #quietMs = 0;
  #discardedMs = 0;
  #sessionIds = NO_SESSION_IDS;
  #worker: Worker | undefined;
  /** Whether the worker was not chosen for want of others. */
  #wasUsable = false;
  /** When the attempt began, of the clock's `monotonic`. */
  #sentMs = 0;
  #attempt: Attempt | undefined;
  #session: { uses: SessionsInUse; stem: string } | undefined;
  #repeated = false;
  #repeatedOnFresh = false;
  #remainingBytes = -1;

  constructor(
    context: RequestContext,
    head: GatedRequest,
    exchange: { request: IncomingMessage; response: ServerResponse },
    options: { awaitsContinue: boolean; upgradeOffer?: UpgradeOffer },
  ) {
    this.#context = context;
    this.#head = head;
    this.#request = exchange.request;
    this.#response = exchange.response;
    this.#body = new ClientBody(exchange, context, options.awaitsContinue, (bytes) => this.#bodyProgressed(bytes));
    this.#upgradeOffer = options.upgradeOffer;
    this.#startedMs = context.clock.monotonic();
    this.#idempotent = IDEMPOTENT_METHODS.has(head.method);
  }

  begin(): void {
    const { running, sticky, limits } = this.#context;
    running.add(this);
    this.#response.on("close", () => this.#closed());
    if (sticky) this.#sessionIds = sessionIdsOf(this.#head.target, this.#head.cookie, sticky);
    this.#body.prepare(this.#head.contentLength, this.#head.chunked, limits, () => this.#send());
  }

  /** Called now and then for every running request: ends those that make no progress. */
  sweep(elapsedMs: number): void {
    const { limits } = this.#context;
    this.#quietMs += elapsedMs;
    switch (this.#phase) {
      case "Receiving":
        if (this.#quietMs >= limits.bodyIdleMs) this.#refuse(408, "BodyTimeout", "The request body did not arrive in time");
        break;
      case "Waiting":
        this.#sweepWaiting();
        break;
      case "Answering":
        if (this.#quietMs >= limits.answerIdleMs) this.#cut("Cut");
        break;
      case "Discarding":
        this.#discardedMs += elapsedMs;
        if (this.#quietMs >= DISCARD_IDLE_MS || this.#discardedMs >= DISCARD_MS) this.#request.socket.destroy();
        break;
    }
  }

  /** Ends the request at once: the balancer's own deadline has come. */
  destroy(): void {
    this.#cut("Stopping");
  }

  answerStarted(status: number, head: ResponseHead): void {
    if (this.#context.stopping) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(status, head.headers);
    this.#phase = "Answering";
    this.#quietMs = 0;
    this.#remainingBytes = head.contentLength;
    const worker = this.#worker!;
    worker.traffic.answered(status);
    if (worker.state === "Error" || (this.#wasUsable && worker.state === "NotReady"))
      this.#context.workers.answeredAfterFailure(worker, { wasUsable: this.#wasUsable });
    // A worker that begins to drain says so in its answers before its health check is due again (rule 18).
    if (head.close) this.#context.workers.checkSoon(worker);
  }

  answerData(chunk: Buffer): boolean {
    this.#quietMs = 0;
    this.#worker!.traffic.responseBodyBytes += chunk.length;
    if (chunk.length === this.#remainingBytes) {
      this.#remainingBytes = 0;
      this.#response.end(chunk); // head and body in one write
      return true;
    }
    this.#remainingBytes -= chunk.length;
    if (this.#response.write(chunk)) return true;
    this.#response.once("drain", () => {
      this.#quietMs = 0;
      this.#attempt?.resume();
    });
    return false;
  }

  answerEnded(): void {
    const worker = this.#worker!;
    this.#attemptEnded();
    if (!this.#response.writableEnded) this.#response.end();
    const nowMs = this.#context.clock.monotonic();
    worker.health.answered(nowMs);
    this.#context.metrics.answered(worker, (nowMs - this.#startedMs) / 1000);
    if (!this.#request.complete) this.#discard();
  }

  upgraded(head: ResponseHead, socket: Duplex): void {
    this.#worker!.traffic.answered(101);
    this.#attemptEnded();
    this.#end();
    if (this.#upgradeOffer) this.#upgradeOffer.accept(head, socket);
    else socket.destroy();
  }

  attemptFailed(failure: AttemptFailure): void {
    const worker = this.#worker!;
    this.#attemptEnded();
    const { workers, logger } = this.#context;
    logger.debug({ err: failure.cause, worker: worker.name, kind: failure.kind, method: this.#head.method }, "Attempt failed");
    if (failure.kind === "Refused" && !LOCAL_ERRORS.has(systemErrorCode(failure.cause) ?? ""))
      workers.requestRefused(worker, failure.cause, this.#sentMs);
    if (failure.kind === "Lost") {
      worker.traffic.lost++;
      workers.checkSoon(worker);
    }
    if (this.#phase === "Answering" || failure.cause instanceof RequestBodyCutError) {
      this.#cut("Cut");
      return;
    }
    switch (failure.kind) {
      case "Refused":
        this.#repeatElsewhere(worker, "Refused");
        break;
      case "Lost":
        this.#repeatIfSafe(worker, failure.reusedConnection);
        break;
      case "BadAnswer":
        this.#refuse(502, "BadAnswer", "The worker's answer could not be understood");
        break;
      case "Unsendable":
        this.#refuse(400, "Unsendable", "The request cannot be forwarded");
        break;
    }
  }

  #bodyProgressed(bytes: number): void {
    this.#quietMs = 0;
    if (this.#attempt) this.#worker!.traffic.requestBodyBytes += bytes;
  }

  #send(freshOn?: Worker): void {
    const worker = freshOn ?? this.#choose();
    if (!worker) {
      this.#refuse(503, "NoWorker", "No worker can take the request at the moment");
      return;
    }
    this.#phase = "Waiting";
    this.#quietMs = 0;
    this.#worker = worker;
    this.#wasUsable = worker.health.state !== "NotReady";
    this.#sentMs = this.#context.clock.monotonic();
    worker.traffic.elected++;
    worker.traffic.inFlight++;
    const body = this.#body.content;
    if (body instanceof Buffer) worker.traffic.requestBodyBytes += body.length;
    if (worker.sessionsInUse && this.#sessionIds.length > 0) {
      this.#session = { uses: worker.sessionsInUse, stem: stemOf(this.#sessionIds[0]!) };
      this.#session.uses.requestBegan(this.#session.stem);
    }
    this.#attempt = worker.forwarder.forward(
      { head: this.#head, body, idempotent: this.#idempotent, freshConnection: freshOn !== undefined },
      this,
    );
  }

  #choose(): Worker | undefined {
    const { workers, method, metrics, sticky } = this.#context;
    const selection = selectWorker(
      workers.snapshot,
      { sessionIds: this.#sessionIds, tried: this.#tried, force: sticky?.force ?? false, isInUse },
      method,
    );
    if (selection && this.#tried.length === 0) metrics.sticky[selection.sticky]++;
    if (selection?.sessionId !== undefined) this.#sessionIds = [selection.sessionId];
    return selection?.candidate;
  }

  /** The connection ended before the answer began: the worker may have carried the request out (rule 19). */
  #repeatIfSafe(worker: Worker, reusedConnection: boolean): void {
    if (this.#idempotent && reusedConnection && !this.#repeatedOnFresh && this.#body.rewind()) {
      this.#repeatedOnFresh = true;
      this.#context.metrics.retries.Idle++;
      this.#send(worker);
    } else if (this.#idempotent && !this.#repeated) {
      this.#repeated = true;
      this.#repeatElsewhere(worker, "Lost");
    } else {
      this.#refuse(502, "WorkerLost", "The worker closed the connection before it answered");
    }
  }

  #repeatElsewhere(worker: Worker, reason: RetryReason): void {
    if (!this.#body.rewind()) {
      this.#refuse(reason === "Refused" ? 503 : 502, "WorkerLost", "The worker was lost, and the request body cannot be sent again");
      return;
    }
    this.#tried.push(worker);
    this.#context.metrics.retries[reason]++;
    this.#send();
  }

  #sweepWaiting(): void {
    const { limits, clock } = this.#context;
    const worker = this.#worker!;
    if (this.#body.waitsForClient) {
      if (this.#quietMs >= limits.bodyIdleMs) this.#refuse(408, "BodyTimeout", "The request body did not arrive in time");
      return;
    }
    if (this.#quietMs >= limits.answerMs) {
      this.#refuse(504, "AnswerTimeout", "The worker did not answer in time");
      return;
    }
    const { silentSinceMs } = worker.health;
    if (silentSinceMs === undefined || clock.monotonic() - silentSinceMs < limits.unresponsiveMs) return;
    this.#abortAttempt();
    if (this.#idempotent && !this.#repeated) {
      this.#repeated = true;
      this.#repeatElsewhere(worker, "Unresponsive");
    } else {
      this.#refuse(504, "AnswerTimeout", "The worker did not answer in time");
    }
  }

  /** A plain page of the balancer's own; never behind the beginning of a worker's answer. */
  #refuse(status: number, outcome: OwnOutcome, message: string): void {
    this.#abortAttempt();
    if (this.#response.headersSent) {
      this.#cut(outcome);
      return;
    }
    this.#context.metrics.outcomes[outcome]++;
    this.#phase = "Answering";
    this.#quietMs = 0;
    if (this.#context.stopping || this.#body.awaitsContinue || status === 408 || status === 400) this.#response.shouldKeepAlive = false;
    const text = `${message}\n`;
    const headers = ["Content-Type", "text/plain; charset=utf-8", "Content-Length", String(Buffer.byteLength(text))];
    if (status === 503) headers.push("Retry-After", "1");
    this.#response.writeHead(status, headers);
    this.#response.end(text);
    if (!this.#request.complete && this.#response.shouldKeepAlive) this.#discard();
  }

  /** The answer cannot be finished: the client has to see that, so its connection ends (rule 19). */
  #cut(outcome: OwnOutcome): void {
    this.#abortAttempt();
    if (this.#phase === "Ended") return;
    if (this.#phase !== "Discarding" && !this.#response.writableFinished) this.#context.metrics.outcomes[outcome]++;
    this.#end();
    this.#response.destroy();
    this.#request.socket.destroy();
  }

  /** The answer is out before the body was in: take the rest off the connection. */
  #discard(): void {
    this.#phase = "Discarding";
    this.#quietMs = 0;
    this.#body.discard(() => this.#end());
  }

  /** The response is out, or the client is gone. */
  #closed(): void {
    if (this.#attempt && !this.#response.writableFinished) {
      this.#context.metrics.outcomes.ClientGone++;
      this.#abortAttempt();
    }
    if (this.#phase !== "Discarding" || this.#request.destroyed) this.#end();
  }

  #abortAttempt(): void {
    const attempt = this.#attempt;
    if (!attempt) return;
    this.#attemptEnded();
    attempt.abort();
  }

  #attemptEnded(): void {
    if (!this.#attempt) return;
    this.#attempt = undefined;
    this.#worker!.traffic.inFlight--;
    this.#session?.uses.requestEnded(this.#session.stem);
    this.#session = undefined;
  }

  #end(): void {
    if (this.#phase === "Ended") return;
    this.#phase = "Ended";
    this.#context.running.delete(this);
    this.#body.release();
  }
}
