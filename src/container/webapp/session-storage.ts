// Sessions for packages that bring a session of their own: one text under an id of theirs, kept in a session of the manager.
import { createHash } from "node:crypto";
import { stemOf } from "../../protocol/index.ts";
import { requestOf } from "../application-request.ts";
import { IllegalStateError } from "../errors.ts";
import type { Manager } from "../session/manager.ts";
import type { Session } from "../session/session.ts";

/** A promise only where the manager has to fetch the session from elsewhere, or to tell others of an end or of a change outside of a request. */
export type Awaitable<T> = T | Promise<T>;

export interface StoredUse {
  /** The request in which it happens: the session becomes that request's, so that its cookie keeps the client at this worker. */
  readonly request?: object | undefined;
  /** Seconds without use after which the session ends; undefined: as long as sessions of the application live. */
  readonly maxInactiveSeconds?: number | undefined;
}

/**
 * What a session store of another package works on. Any text can be an id; whoever knows one can use it. All workers of the group
 * have the texts, as they have attributes. Every method throws IllegalStateError before the application has started.
 */
export interface SessionStorage {
  /** Undefined: there is no such session. */
  read(id: string): Awaitable<string | undefined>;
  /** Makes the session when there is none; may throw TooManySessionsError. A text that is the same is not sent again. */
  write(id: string, text: string, use: StoredUse): Awaitable<void>;
  /** The session was used. Does nothing when there is none. */
  touch(id: string, use: StoredUse): Awaitable<void>;
  /** Ends the session on all workers. Does nothing when there is none. */
  remove(id: string): Awaitable<void>;
  /** Ids of all sessions; long or unusual ones in a form that the other methods take too. */
  ids(): string[];
}

const PLAIN_ID = /^[A-Za-z0-9_-]{1,128}$/;

export class AttributeStorage implements SessionStorage {
  readonly #attribute: string;
  readonly #findManager: () => Manager | undefined;

  /** Texts lie in this attribute. */
  constructor(attribute: string, findManager: () => Manager | undefined) {
    this.#attribute = attribute;
    this.#findManager = findManager;
  }

  read(id: string): Awaitable<string | undefined> {
    return this.#withSession(id, (session) => this.#textOf(session));
  }

  write(id: string, text: string, use: StoredUse): Awaitable<void> {
    return this.#withSession(id, (found) => {
      const session = found ?? this.#manager.createSession(plainId(id));
      if (this.#textOf(session) !== text) session.setAttribute(this.#attribute, text);
      return this.#used(session, use);
    });
  }

  touch(id: string, use: StoredUse): Awaitable<void> {
    return this.#withSession(id, (session) => (session === undefined ? undefined : this.#used(session, use)));
  }

  remove(id: string): Awaitable<void> {
    return this.#withSession(id, (session) => {
      if (session === undefined) return;
      // In use, so that it ends on all workers even when another one served it last.
      session.access();
      session.invalidate();
      session.endAccess();
      return this.#manager.sessionChanged(session);
    });
  }

  ids(): string[] {
    const ids: string[] = [];
    for (const session of this.#manager.findSessions()) if (this.#holds(session)) ids.push(stemOf(session.id));
    return ids;
  }

  get #manager(): Manager {
    const manager = this.#findManager();
    if (manager === undefined)
      throw new IllegalStateError("The application has not started: its sessions can be used from the first request on");
    return manager;
  }

  #withSession<T>(id: string, work: (session: Session | undefined) => Awaitable<T>): Awaitable<T> {
    const found = this.#manager.findSession(plainId(id));
    return found instanceof Promise ? found.then(work) : work(found);
  }

  #used(session: Session, { request, maxInactiveSeconds }: StoredUse): Awaitable<void> {
    if (maxInactiveSeconds !== undefined && session.maxInactiveInterval !== maxInactiveSeconds) {
      session.maxInactiveInterval = maxInactiveSeconds;
    }
    const current = request === undefined ? undefined : requestOf(request);
    if (current !== undefined && !current.complete) {
      // A session that the application made with getSession() stays the request's.
      if (current.session === undefined || this.#holds(current.session)) current.adoptSession(session);
      else current.useAlso(session);
      return;
    }
    session.access();
    session.endAccess();
    return this.#manager.sessionChanged(session);
  }

  #textOf(session: Session | undefined): string | undefined {
    const text = session?.getAttribute(this.#attribute);
    return typeof text === "string" ? text : undefined;
  }

  #holds(session: Session): boolean {
    return session.valid && session.getAttributeNames().includes(this.#attribute);
  }
}

/** An id without what would end a stem or does not belong into a cookie. */
function plainId(id: string): string {
  return PLAIN_ID.test(id) ? id : createHash("sha256").update(id).digest("hex");
}
