// Keeps express-session's sessions in the worker's replicated ones, for applications that use express-session already.
import type { Awaitable, LoadingApplication, SessionStorage } from "../container/index.ts";
import { OutsideOfWorkerError } from "./errors.ts";
import { type SessionData, Store } from "./express-session.ts";

export interface TomcatClusterStoreOptions {
  /** Default: the application that is being loaded. */
  readonly application?: LoadingApplication;
}

type Callback<T = void> = (error: unknown, result?: T) => void;

/** The attribute of the HttpSession: a String of JSON, as most stores of express-session write it. */
const ATTRIBUTE = "express-session";
/** The container's LOADING_APPLICATION. Only the symbol: the worker may run another copy of this package. */
const LOADING_APPLICATION = Symbol.for("tomcat-cluster.loading-application");
const MAX_INACTIVE_SECONDS = 2 ** 31 - 1;

/**
 * `session({ store: new TomcatClusterStore(), … })`. A session is found by express-session's own id on every worker, and its data
 * travels as attributes do: before the last bytes of the answer leave. The client gets the container's cookie too, whose route keeps
 * it at one worker. A session ends when it was not used for `cookie.originalMaxAge`, else for the application's session time-out.
 *
 * Methods follow express-session's README. They call back at once, in the same turn, unless something has to be waited for; what
 * goes wrong is given to the callback and never thrown.
 */
export class TomcatClusterStore extends Store {
  readonly #storage: SessionStorage;

  /** Throws OutsideOfWorkerError. */
  constructor(options: TomcatClusterStoreOptions = {}) {
    super();
    const application = options.application ?? loadingApplication();
    if (application === undefined) throw new OutsideOfWorkerError();
    this.#storage = application.openSessionStorage(ATTRIBUTE);
  }

  /** Without a session: `undefined` and no error. */
  get(sid: string, callback: Callback<SessionData | undefined>): void {
    answer(() => then(this.#storage.read(sid), parse), callback);
  }

  /** Makes the session or replaces all of its data. A cookie whose `maxAge` is over ends it. */
  set(sid: string, session: SessionData, callback?: Callback): void {
    answer(() => {
      if (hasExpired(session)) return this.#storage.remove(sid);
      return this.#storage.write(sid, JSON.stringify(session), useOf(session));
    }, callback);
  }

  /** The session was used; its data stays as it is. */
  touch(sid: string, session: SessionData, callback?: Callback): void {
    answer(() => this.#storage.touch(sid, useOf(session)), callback);
  }

  destroy(sid: string, callback?: Callback): void {
    answer(() => this.#storage.remove(sid), callback);
  }

  /** Every session of the application, each with its `id`. */
  all(callback: Callback<SessionData[]>): void {
    answer(() => this.#all(), callback);
  }

  length(callback: Callback<number>): void {
    answer(() => this.#storage.ids().length, callback);
  }

  clear(callback?: Callback): void {
    answer(() => {
      const removals = this.#storage.ids().map((id) => this.#storage.remove(id));
      return removals.some((removal) => removal instanceof Promise) ? Promise.all(removals).then(() => undefined) : undefined;
    }, callback);
  }

  #all(): Awaitable<SessionData[]> {
    const sessions = this.#storage.ids().map((id) => then(this.#storage.read(id), (text) => withId(id, parse(text))));
    return sessions.some((session) => session instanceof Promise) ? Promise.all(sessions).then(present) : present(sessions as Found[]);
  }
}

type Found = SessionData | undefined;

function loadingApplication(): LoadingApplication | undefined {
  return (globalThis as { [LOADING_APPLICATION]?: LoadingApplication })[LOADING_APPLICATION];
}

/** Whatever the callback throws is the caller's, and no failure of the store. */
function answer<T>(work: () => Awaitable<T>, callback: Callback<T> = () => undefined): void {
  let result: Awaitable<T>;
  try {
    result = work();
  } catch (error) {
    callback(error);
    return;
  }
  if (result instanceof Promise) {
    // Outside of the promise, in which an exception of the callback would be an unhandled rejection.
    result.then(
      (value) => process.nextTick(callback, null, value),
      (error: unknown) => process.nextTick(callback, error),
    );
  } else {
    callback(null, result);
  }
}

function then<T, R>(value: Awaitable<T>, convert: (value: T) => R): Awaitable<R> {
  return value instanceof Promise ? value.then(convert) : convert(value);
}

function parse(text: string | undefined): Found {
  return text === undefined ? undefined : (JSON.parse(text) as SessionData);
}

function withId(id: string, session: Found): Found {
  return session === undefined ? undefined : { ...session, id };
}

function present(sessions: readonly Found[]): SessionData[] {
  return sessions.filter((session) => session !== undefined);
}

/** express-session puts the request into the sessions that it makes, where nobody enumerates it. */
function useOf(session: SessionData): { request: object | undefined; maxInactiveSeconds: number | undefined } {
  const { req } = session as { readonly req?: unknown };
  const { originalMaxAge } = session.cookie;
  return {
    request: typeof req === "object" && req !== null ? req : undefined,
    maxInactiveSeconds: typeof originalMaxAge === "number" ? secondsOf(originalMaxAge) : undefined,
  };
}

function secondsOf(maxAgeMs: number): number {
  return Math.min(MAX_INACTIVE_SECONDS, Math.max(1, Math.ceil(maxAgeMs / 1000)));
}

/** `expires` says nothing: with a session that was only touched since, it is of the past. */
function hasExpired({ cookie: { originalMaxAge } }: SessionData): boolean {
  return typeof originalMaxAge === "number" && originalMaxAge <= 0;
}
