// One request on its way through the container, from its head to the last byte of its answer (Tomcat: Request and Response).
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../base/index.ts";
import type { Exchange } from "../protocol/index.ts";
import type { Context } from "./context.ts";
import { errorPage, PAGE_HEADERS } from "./error-page.ts";
import { IllegalStateError, UnavailableError } from "./errors.ts";
import { HeldResponse, type HeldResponseOwner } from "./held-response.ts";
import type { HeldResponseSweeper } from "./held-response-sweeper.ts";
import type { Host } from "./host.ts";
import { appendToHead } from "./response-head.ts";
import type { Session } from "./session/session.ts";

export interface RequestServices {
  readonly logger: Logger;
  readonly sweeper: HeldResponseSweeper;
}

type BeforeEndHook = () => void | Promise<void>;

export class Request implements HeldResponseOwner {
  readonly exchange: Exchange;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly host: Host;
  /** Undefined when the host has no context for the path: such requests pass the valves of engine and host only. */
  readonly context: Context | undefined;
  /** The path, decoded, without path parameters and query (request-target.ts); "" for a target that is refused. */
  readonly decodedUri: string;
  /** The target in origin form as it came; `req.url` becomes relative to the context before the application sees it. */
  readonly originalUrl: string;
  /** The id that the client sent: that of the session which was found, else the first one. */
  requestedSessionId: string | undefined;
  readonly #services: RequestServices;
  readonly #held: HeldResponse;
  #session: Session | undefined;
  /** Sessions that ended while they were the request's, and those that it changed besides: in use until its end. */
  #others: Session[] | undefined;
  /** Whether the client has to be told the session's id. */
  #cookieDue = false;
  #attributes: Map<string, unknown> | undefined;
  #beforeEnd: BeforeEndHook[] | undefined;
  #onComplete: (() => void)[] | undefined;
  #completed = false;

  constructor(exchange: Exchange, services: RequestServices, host: Host, context: Context | undefined, decodedUri: string) {
    this.exchange = exchange;
    this.req = exchange.request;
    this.res = exchange.response;
    this.host = host;
    this.context = context;
    this.decodedUri = decodedUri;
    this.originalUrl = exchange.request.url ?? "/";
    this.#services = services;
    this.#held = new HeldResponse(exchange.response, this, services.sweeper);
  }

  /** For what valves tell each other. */
  get attributes(): Map<string, unknown> {
    this.#attributes ??= new Map();
    return this.#attributes;
  }

  /** The request's session, found or created; undefined when there is none or when it has been invalidated. */
  get session(): Session | undefined {
    return this.#session?.valid ? this.#session : undefined;
  }

  /**
   * The session, created when there is none unless `create` is false. Throws TooManySessionsError at a limit of the manager and
   * IllegalStateError when the head of the answer has left, so that no cookie can be set.
   */
  getSession(create = true): Session | undefined {
    const current = this.session;
    if (current !== undefined || !create) return current;
    const manager = this.context?.manager;
    if (manager === undefined) throw new IllegalStateError("getSession: the request belongs to no started application");
    if (this.#held.headLeft) {
      throw new IllegalStateError("getSession: a session cannot be created after the head of the answer has left; ask for it earlier");
    }
    const session = manager.createSession();
    this.#replaceSession(session);
    this.#cookieDue = true;
    return session;
  }

  /** Every session that the request may have changed, also those that have ended; its present one is the last. */
  get usedSessions(): readonly Session[] {
    const own = this.#session === undefined ? [] : [this.#session];
    return this.#others === undefined ? own : [...this.#others, ...own];
  }

  /** Makes a session that the manager found under the client's id the request's session. */
  useSession(session: Session, requestedId: string): void {
    this.requestedSessionId = requestedId;
    this.#session = session;
    session.access();
  }

  /** Makes a session that the client did not ask for the request's, in place of what it has, and gives the client a cookie if it still can. */
  adoptSession(session: Session): void {
    if (this.#session === session) return;
    this.#replaceSession(session);
    this.#cookieDue = !this.#held.headLeft;
  }

  /** The request changes a session besides its own. */
  useAlso(session: Session): void {
    if (this.usedSessions.includes(session)) return;
    session.access();
    this.#keepUntilEnd(session);
  }

  /** Gives the session this id, unless it has it, and the client a cookie with it. */
  changeSessionId(newId: string): void {
    const session = this.session;
    if (session === undefined) throw new IllegalStateError("changeSessionId: the request has no session");
    if (this.#held.headLeft) throw new IllegalStateError("changeSessionId: the head of the answer has left, so no cookie can be set");
    if (session.id !== newId) this.context?.manager?.changeSessionId(session, newId);
    this.#cookieDue = true;
  }

  /** Gives the session a fresh id, for logins (session fixation), and returns it. */
  renewSessionId(): string {
    const manager = this.context?.manager;
    if (manager === undefined) throw new IllegalStateError("changeSessionId: the request belongs to no started application");
    const newId = manager.generateSessionId();
    this.changeSessionId(newId);
    return newId;
  }

  /** Bytes of the answer's body so far, when `countBodyBytes` was called before the application ran. */
  get bodyBytes(): number {
    return this.#held.bodyBytes;
  }

  countBodyBytes(): void {
    this.#held.countBody();
  }

  /** Whether the client went away before its answer had left; known in `onBeforeEnd` hooks. */
  get clientGone(): boolean {
    return this.#held.closed;
  }

  /** Whether the session was given back: then hooks that run are those of an answer that was ended after its client had gone. */
  get complete(): boolean {
    return this.#completed;
  }

  /**
   * Runs between the application's last word and the answer's last bytes, which wait for the promise. When the client goes away
   * before, it runs then, and again if the application ends its answer later: what it did in between may have changed the session.
   * The hook registered last runs first, one after the other. Register before calling `next`.
   */
  onBeforeEnd(hook: BeforeEndHook): void {
    if (this.#beforeEnd === undefined) this.#beforeEnd = [hook];
    else this.#beforeEnd.push(hook);
  }

  /** Runs when the answer has left or its connection is gone, after every `onBeforeEnd` hook. */
  onComplete(hook: () => void): void {
    if (this.#onComplete === undefined) this.#onComplete = [hook];
    else this.#onComplete.push(hook);
  }

  /** Answers with a page of the container's own. For requests that nobody else answers. */
  answer(status: number, sentence: string, headers?: Readonly<Record<string, string>>): void {
    this.answerPage(status, errorPage(status, sentence), headers);
  }

  answerPage(status: number, html: string, headers?: Readonly<Record<string, string>>): void {
    this.res.writeHead(status, { ...PAGE_HEADERS, ...headers });
    this.res.end(html);
  }

  /**
   * Puts a page with this status and sentence in the place of what the application answered; also from an `onBeforeEnd` hook.
   * The session's cookie stays. False when bytes of the answer have left or the hooks are over.
   */
  replaceAnswer(status: number, sentence: string, headers?: Readonly<Record<string, string>>): boolean {
    return this.#held.replace(status, { ...PAGE_HEADERS, ...headers }, errorPage(status, sentence));
  }

  /** For what application or valve threw: 500 (503 for what may go well later) when nothing has left, else the connection is cut. */
  fail(error: unknown): void {
    this.#services.logger.error({ err: error, context: this.context?.name, path: this.decodedUri }, "Request failed");
    if (this.#held.ended) return;
    const replaced =
      error instanceof UnavailableError
        ? this.replaceAnswer(error.status, error.sentence, error.headers)
        : this.replaceAnswer(500, "The application failed to answer this request.");
    if (!replaced) this.res.destroy();
  }

  headLeaves(response: ServerResponse): void {
    if (!this.#cookieDue) return;
    const session = this.session;
    if (session === undefined || this.context === undefined) return;
    appendToHead(response, "Set-Cookie", this.context.sessionCookie(session.id, this.exchange.scheme === "https"));
  }

  beforeLastBytes(): void | Promise<void> {
    const hooks = this.#beforeEnd;
    return hooks === undefined ? undefined : this.#runHooks(hooks, hooks.length - 1);
  }

  completed(): void {
    this.#completed = true;
    for (const session of this.usedSessions) session.endAccess();
    for (const hook of this.#onComplete ?? []) {
      try {
        hook();
      } catch (error) {
        this.#logHookFailure(error);
      }
    }
  }

  releaseFailed(error: unknown): void {
    this.#services.logger.error({ err: error, context: this.context?.name, path: this.decodedUri }, "Answer could not be sent");
  }

  /** Of one that has ended it is to be known at the end whether others have learnt that. */
  #replaceSession(session: Session): void {
    const before = this.#session;
    if (before?.valid) before.endAccess();
    else if (before !== undefined) this.#keepUntilEnd(before);
    this.#session = session;
    session.access();
  }

  #keepUntilEnd(session: Session): void {
    this.#others ??= [];
    this.#others.push(session);
  }

  /** Stays synchronous until a hook returns a promise. */
  #runHooks(hooks: readonly BeforeEndHook[], from: number): void | Promise<void> {
    for (let index = from; index >= 0; index--) {
      try {
        const pending = hooks[index]!();
        if (pending !== undefined) return this.#continueHooks(pending, hooks, index - 1);
      } catch (error) {
        this.#logHookFailure(error);
      }
    }
  }

  async #continueHooks(pending: Promise<void>, hooks: readonly BeforeEndHook[], from: number): Promise<void> {
    try {
      await pending;
    } catch (error) {
      this.#logHookFailure(error);
    }
    await this.#runHooks(hooks, from);
  }

  #logHookFailure(error: unknown): void {
    this.#services.logger.error({ err: error, context: this.context?.name, path: this.decodedUri }, "Hook of a request failed");
  }
}
