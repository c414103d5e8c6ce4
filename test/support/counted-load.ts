// Additions to many sessions at once, for tests that disturb a cluster meanwhile and count what its clients have noticed.
import { Agent } from "node:http";
import { SessionClient } from "./session-client.ts";

export const SESSIONS = 200;
const CONNECTIONS = 16;

/** One session and the last answer that its client has seen. */
interface Counted {
  readonly client: SessionClient;
  stem: string;
  route: string;
  lastN: number;
}

/** Adds to all sessions in turn until it is told to end, and counts what went wrong. */
export class CountedLoad {
  readonly errors: string[] = [];
  /** Answers with a smaller count than an answer before had promised. */
  readonly lostUpdates: string[] = [];
  readonly lostSessions: string[] = [];
  requests = 0;
  readonly #sessions: Counted[];
  readonly #agent: Agent;
  #ended = false;
  #workers: Promise<void>[] = [];

  constructor(url: string) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    this.#sessions = Array.from({ length: SESSIONS }, () => ({
      client: new SessionClient(url, { agent: this.#agent }),
      stem: "",
      route: "",
      lastN: 0,
    }));
  }

  /** How many sessions this worker served last. */
  sessionsOf(worker: string): number {
    return this.#sessions.filter(({ route }) => route === worker).length;
  }

  /** Resolves when every session has had its first addition. */
  async begin(): Promise<void> {
    await this.#each((session) => this.#add(session));
    this.#workers = Array.from({ length: CONNECTIONS }, (_, lane) => this.#run(lane));
  }

  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#workers);
    // Once more, so that every session has been asked after what happened.
    await this.#each((session) => this.#add(session));
    this.#agent.destroy();
  }

  async #each(action: (session: Counted) => Promise<void>): Promise<void> {
    const waiting = [...this.#sessions];
    const lane = async () => {
      for (let session = waiting.pop(); session; session = waiting.pop()) await action(session);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  }

  /** A session belongs to one lane: its requests never overlap. */
  async #run(lane: number): Promise<void> {
    const own = this.#sessions.filter((_, index) => index % CONNECTIONS === lane);
    while (!this.#ended) {
      for (const session of own) {
        await this.#add(session);
        if (this.#ended) return;
      }
    }
  }

  async #add(session: Counted): Promise<void> {
    this.requests += 1;
    try {
      const { n, route, sessionId } = await session.client.hit("GET");
      const stem = sessionId!.split(".")[0]!;
      if (session.stem !== "" && session.stem !== stem) this.lostSessions.push(`${session.stem} became ${stem}`);
      else if (n <= session.lastN) this.lostUpdates.push(`${stem}: ${n} after ${session.lastN}`);
      session.stem = stem;
      session.route = route;
      session.lastN = n;
    } catch (error) {
      this.errors.push(String(error));
    }
  }
}
