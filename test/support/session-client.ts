// An HTTP client with one session: keeps the session cookie between requests, as a browser does.
import { type Agent, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What the sample's /shop/hit answers. */
export interface Hit {
  readonly n: number;
  readonly route: string;
  readonly sessionId: string | null;
}

export interface SessionClientOptions {
  /** Unset: every request has a connection of its own. */
  readonly agent?: Agent;
  /** For a whole answer; a request that takes longer rejects with an AbortError. Unset: none. */
  readonly timeoutMs?: number;
  /** "JSESSIONID=…", to begin with. */
  readonly cookie?: string;
}

export class SessionClient {
  readonly #baseUrl: string;
  readonly #agent: Agent | false;
  readonly #timeoutMs: number | undefined;
  #cookie: string | undefined;

  constructor(baseUrl: string, options: SessionClientOptions = {}) {
    this.#baseUrl = baseUrl;
    this.#agent = options.agent ?? false;
    this.#timeoutMs = options.timeoutMs;
    this.#cookie = options.cookie;
  }

  /** "JSESSIONID=…", or undefined before the first answer that sets it. */
  get cookie(): string | undefined {
    return this.#cookie;
  }

  /** Rejects when there is no whole answer. */
  send(method: "GET" | "POST", path: string, form?: Record<string, string>): Promise<Answer> {
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    return new Promise((resolve, reject) => {
      const outgoing = request(
        this.#baseUrl + path,
        {
          method,
          agent: this.#agent,
          ...(this.#timeoutMs !== undefined && { signal: AbortSignal.timeout(this.#timeoutMs) }),
          headers: {
            ...(this.#cookie !== undefined && { cookie: this.#cookie }),
            ...(body !== undefined && { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            for (const cookie of response.headers["set-cookie"] ?? []) {
              if (cookie.startsWith("JSESSIONID=")) this.#cookie = cookie.split(";")[0];
            }
            resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString("utf8") });
          });
        },
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  /** One addition; throws unless the answer is 200. */
  async hit(method: "GET" | "POST" = "GET", query = ""): Promise<Hit> {
    const { status, body } = await this.send(method, `/shop/hit${query}`);
    if (status !== 200) throw new Error(`${method} /shop/hit answered ${status}: ${body.slice(0, 200)}`);
    return JSON.parse(body) as Hit;
  }
}
