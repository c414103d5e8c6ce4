// The session as applications hold it: HttpSession's members and nothing else (Tomcat: StandardSessionFacade).
import { SessionPropertyError } from "../errors.ts";
import type { HttpSession, Session } from "./session.ts";

/**
 * Stands behind the facade's prototype. An assignment to a member that exists never gets here; any other one does, so that
 * `req.session.cart = …`, right with other session packages, fails loudly in place of not being replicated.
 */
class Guarded {}
Object.setPrototypeOf(
  Guarded.prototype,
  new Proxy(Object.create(null), {
    set(_target, property): boolean {
      throw new SessionPropertyError(String(property));
    },
  }),
);

export class SessionFacade extends Guarded implements HttpSession {
  readonly #session: Session;

  constructor(session: Session) {
    super();
    this.#session = session;
  }

  get id(): string {
    return this.#session.id;
  }

  get creationTime(): number {
    return this.#session.creationTime;
  }

  get lastAccessedTime(): number {
    return this.#session.lastAccessedTime;
  }

  get isNew(): boolean {
    return this.#session.isNew;
  }

  get maxInactiveInterval(): number {
    return this.#session.maxInactiveInterval;
  }

  set maxInactiveInterval(seconds: number) {
    this.#session.maxInactiveInterval = seconds;
  }

  getAttribute(name: string): unknown {
    return this.#session.getAttribute(name);
  }

  setAttribute(name: string, value: unknown): void {
    this.#session.setAttribute(name, value);
  }

  removeAttribute(name: string): void {
    this.#session.removeAttribute(name);
  }

  getAttributeNames(): string[] {
    return this.#session.getAttributeNames();
  }

  invalidate(): void {
    this.#session.invalidate();
  }
}
