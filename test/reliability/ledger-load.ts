// Clients of the ledger application (test/fixtures/webapps/ledger), which count what a fault did to their sessions.
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { SessionClient } from "../support/session-client.ts";

export interface LedgerLoadOptions {
  readonly sessions: number;
  /** Each has its own sessions, and one request at a time. */
  readonly clients: number;
  /** Between an answer and the client's next request. */
  readonly pauseMs: number;
  /** What each POST puts into the session besides its number; default 0. */
  readonly updateBytes?: number;
}

export type Method = "GET" | "POST";

/** A request without a good answer. */
export interface Failure {
  readonly method: Method;
  /** "502", "503", "504", another status, "reset", "refused" or "time-out". */
  readonly kind: string;
  /** Of the worker that had served the session last; when it was struck, the request was under way, or sent soon after. */
  readonly route: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** A worker that is asked itself, without the balancer. */
export interface AuditedWorker {
  /** Its route too. */
  readonly name: string;
  readonly url: string;
}

interface LedgerAnswer {
  readonly stem?: string;
  readonly route?: string;
  readonly applied: string;
  readonly seen: number;
}

interface LedgerSession {
  readonly client: SessionClient;
  stem: string;
  route: string;
  /** Numbers of the requests made so far. */
  posts: number;
  gets: number;
  /** Of POSTs that were answered. */
  readonly answered: number[];
  /** Of the last GET that was answered. */
  seen: number;
}

/** What clients saw, and what the audit found. */
export interface Harm {
  readonly requests: number;
  readonly failures: readonly Failure[];
  readonly lostSessions: readonly string[];
  /** "stem update": POST 17, or GET 4. */
  readonly lostUpdates: readonly string[];
  readonly staleAnswers: number;
  readonly doubledEffects: readonly string[];
  readonly longestGapMs: number;
}

/** Longer than any time-out of the balancer. */
const TIMEOUT_MS = 90_000;

export class LedgerLoad {
  requests = 0;
  readonly failures: Failure[] = [];
  readonly lostSessions = new Set<string>();
  /** "stem update" of each answered update that some worker does not have in the end. */
  readonly lostUpdates = new Set<string>();
  readonly doubledEffects = new Set<string>();
  /** Good answers that did not know of an update which had been answered. */
  staleAnswers = 0;
  /** The longest time that a client had between two good answers. */
  longestGapMs = 0;
  readonly #options: LedgerLoadOptions;
  readonly #sessions: LedgerSession[];
  readonly #agent: Agent;
  #ended = false;
  #clients: Promise<void>[] = [];

  constructor(url: string, options: LedgerLoadOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.clients });
    this.#sessions = Array.from({ length: options.sessions }, () => ({
      client: new SessionClient(url, { agent: this.#agent, timeoutMs: TIMEOUT_MS }),
      stem: "",
      route: "",
      posts: 0,
      gets: 0,
      answered: [],
      seen: -1,
    }));
  }

  get harm(): Harm {
    const { requests, failures, staleAnswers, longestGapMs } = this;
    const [lostSessions, lostUpdates, doubledEffects] = [[...this.lostSessions], [...this.lostUpdates], [...this.doubledEffects]];
    return { requests, failures, lostSessions, lostUpdates, staleAnswers, doubledEffects, longestGapMs };
  }

  /** How many sessions this worker served last. */
  sessionsOf(route: string): number {
    return this.#sessions.filter((session) => session.route === route).length;
  }

  /** Resolves when every session has had its first update. */
  async begin(): Promise<void> {
    const { clients } = this.#options;
    const lanes = Array.from({ length: clients }, (_, lane) => this.#sessions.filter((_session, index) => index % clients === lane));
    await Promise.all(
      lanes.map(async (lane) => {
        for (const session of lane) await this.#post(session);
      }),
    );
    if (this.failures.length > 0) throw new Error(`The load could not begin: ${JSON.stringify(this.failures[0])}`);
    this.#clients = lanes.map((lane) => this.#run(lane));
  }

  /** Resolves when every client has its last answer. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }

  /** Asks each worker itself for each session. */
  async audit(workers: readonly AuditedWorker[]): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: this.#options.clients });
    await Promise.all(
      workers.map(async ({ url, name }) => {
        for (const session of this.#sessions) {
          const client = new SessionClient(url, { agent, cookie: `JSESSIONID=${session.stem}.${name}` });
          const { status, body } = await client.send("GET", "/ledger/peek");
          if (status !== 200) throw new Error(`${name} answered ${status}: ${body}`);
          const answer = JSON.parse(body) as LedgerAnswer;
          if (answer.stem !== session.stem) this.lostSessions.add(session.stem);
          else for (const update of this.#missing(session, answer)) this.lostUpdates.add(`${session.stem} ${update}`);
        }
      }),
    );
    agent.destroy();
  }

  async #run(lane: readonly LedgerSession[]): Promise<void> {
    let lastGoodMs = performance.now();
    for (let turn = 0; !this.#ended; turn++) {
      const session = lane[turn % lane.length]!;
      // Each session gets both kinds in turn, and neighbours get different ones.
      const isPost = (turn + Math.floor(turn / lane.length)) % 2 === 0;
      const good = await (isPost ? this.#post(session) : this.#get(session));
      const nowMs = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, nowMs - lastGoodMs);
      if (good) lastGoodMs = nowMs;
      await sleep(this.#options.pauseMs);
    }
  }

  async #post(session: LedgerSession): Promise<boolean> {
    const number = session.posts++;
    const answer = await this.#send(session, "POST", `/ledger/?number=${number}&bytes=${this.#options.updateBytes ?? 0}`);
    if (answer) session.answered.push(number);
    return answer !== undefined;
  }

  async #get(session: LedgerSession): Promise<boolean> {
    const number = session.gets++;
    const answer = await this.#send(session, "GET", `/ledger/?number=${number}`);
    if (answer) session.seen = number;
    return answer !== undefined;
  }

  /** Undefined when there was no good answer. */
  async #send(session: LedgerSession, method: Method, path: string): Promise<LedgerAnswer | undefined> {
    const startedMs = performance.now();
    this.requests += 1;
    const failed = (kind: string) => {
      this.failures.push({ method, kind, route: session.route, startedMs, endedMs: performance.now() });
      return undefined;
    };
    try {
      const { status, body } = await session.client.send(method, path);
      return status === 200 ? this.#check(session, JSON.parse(body) as LedgerAnswer) : failed(String(status));
    } catch (error) {
      return failed(kindOf(error));
    }
  }

  #check(session: LedgerSession, answer: LedgerAnswer): LedgerAnswer {
    if (session.stem !== "" && answer.stem !== session.stem) {
      this.lostSessions.add(session.stem);
      // What it had is lost with it and counted as one.
      session.answered.length = 0;
      session.seen = -1;
    } else if (this.#missing(session, answer).length > 0) this.staleAnswers += 1;
    session.stem = answer.stem!;
    session.route = answer.route!;
    return answer;
  }

  /** What of the answered updates is not there. */
  #missing(session: LedgerSession, { stem, applied, seen }: LedgerAnswer): string[] {
    for (const [number, times] of [...applied].entries()) if (times > "1") this.doubledEffects.add(`${stem} POST ${number}`);
    const missing = session.answered.filter((number) => (applied[number] ?? "0") === "0").map((number) => `POST ${number}`);
    if (seen < session.seen) missing.push(`GET ${session.seen}`);
    return missing;
  }
}

function kindOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "ECONNRESET" || code === "EPIPE") return "reset";
  if (code === "ECONNREFUSED") return "refused";
  return (error as Error).name === "AbortError" ? "time-out" : String(error);
}
