// The connections to the API server: made once, kept, and made anew when certificates change. client-node makes one for every call.
import { isDeepStrictEqual } from "node:util";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import type { Access, Credentials } from "./credentials.ts";
import { ClientStoppedError } from "./errors.ts";

export interface Connection {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** What stands before every path: "" as a rule. */
  readonly prefix: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Idle connections leave before the API server closes them at 90 s: a request never meets a connection that is just closing. */
const IDLE_MS = 60_000;
/** The kernel finds a peer that vanished 10 s after this, by ten probes a second apart. */
const KEEP_ALIVE_PROBE_MS = 10_000;

export class ConnectionPool {
  readonly #credentials: Credentials;
  #dispatcher: Dispatcher | undefined;
  #access: Access | undefined;
  #isClosed = false;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Rejects with CredentialsError, and with ClientStoppedError after `close`. */
  async connection(): Promise<Connection> {
    const access = await this.#credentials.access();
    if (this.#isClosed) throw new ClientStoppedError();
    if (this.#dispatcher === undefined || !isSamePeer(access, this.#access!)) {
      // Requests and watches on the old connections end in peace.
      void this.#dispatcher?.close();
      this.#dispatcher = dispatcherFor(access);
      this.#access = access;
    }
    const { origin, host, pathname } = new URL(access.server);
    return { dispatcher: this.#dispatcher, origin, host, prefix: pathname.replace(/\/$/, ""), headers: access.headers };
  }

  /** The API server did not know us, or we did not know it. */
  refused(): void {
    this.#credentials.refused();
  }

  /** What still runs is cut off, but for what runs on certificates of before: that ends by its own signal. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#dispatcher?.destroy();
  }
}

/** Headers may differ: they go with each request, not with the connection. */
function isSamePeer(one: Access, other: Access): boolean {
  return one.proxyUrl === other.proxyUrl && isDeepStrictEqual(one.tls, other.tls);
}

/**
 * HTTP/1.1: a watch has its connection to itself, so that none waits behind another's unread bytes, and TCP's own probes find a dead peer.
 * Our time-outs are by clock and signal, not undici's.
 */
function dispatcherFor({ tls, proxyUrl }: Access): Dispatcher {
  const options = { allowH2: false, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS };
  const connect = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS, timeout: CONNECT_TIMEOUT_MS };
  if (proxyUrl === undefined) return new Agent({ ...options, connect: { ...tls, ...connect } });
  return new ProxyAgent({ ...options, uri: proxyUrl, requestTls: { ...tls, ...connect } });
}
