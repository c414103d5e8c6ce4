// What the container adds to the request object that applications get: own properties, since frameworks replace its prototype.
import type { IncomingMessage } from "node:http";
import type { Request } from "./request.ts";
import { withoutPathParameter, withoutSegments } from "./request-target.ts";
import type { HttpSession } from "./session/session.ts";

/** node:http's request as an application in this container sees it. */
export interface ApplicationRequest extends IncomingMessage {
  /** The session; created when there is none, unless `create` is false: then null. */
  getSession(create?: boolean): HttpSession | null;
  /** Gives the session a fresh id, which a login should do, and the client its cookie. Returns the id. */
  changeSessionId(): string;
  /**
   * The session or null; never creates one. Middleware that assigns a session of its own wins. Undefined in an application whose
   * session package keeps its sessions here.
   */
  session: HttpSession | null;
  /** "" for the root application, else "/shop". `url` is relative to it: lead links and redirects back with it. */
  contextPath: string;
  /** The target as the client sent it. */
  originalUrl: string;
  /** As in Express: where the application is mounted, the same as contextPath. */
  baseUrl: string;
}

interface ServedRequest extends ApplicationRequest {
  [REQUEST]: Request;
}

const REQUEST = Symbol("request");

const SESSION: PropertyDescriptor = {
  configurable: true,
  enumerable: false,
  get(this: ServedRequest): HttpSession | null {
    return this[REQUEST].session?.facade ?? null;
  },
  set(this: ServedRequest, value: unknown): void {
    Object.defineProperty(this, "session", { value, writable: true, enumerable: true, configurable: true });
  },
};

export interface Presentation {
  readonly contextPath: string;
  /** Of the context path. */
  readonly segments: number;
  /** Path parameter that the application is not to see. */
  readonly hiddenParameter: string | undefined;
  /** Whether `req.session` belongs to a package that the application brings, and is not set here. */
  readonly ownSession: boolean;
}

/** Prepares the request object for an application. */
export function presentToApplication(request: Request, { contextPath, segments, hiddenParameter, ownSession }: Presentation): void {
  const req = request.req as ServedRequest;
  req[REQUEST] = request;
  req.getSession = getSession;
  req.changeSessionId = changeSessionId;
  if (!ownSession) Object.defineProperty(req, "session", SESSION);
  req.contextPath = contextPath;
  let url = request.originalUrl;
  if (hiddenParameter !== undefined) url = withoutPathParameter(url, hiddenParameter);
  if (segments > 0) url = withoutSegments(url, segments);
  req.originalUrl = request.originalUrl;
  req.baseUrl = contextPath;
  req.url = url;
}

/** The request behind an object that `presentToApplication` prepared; undefined for any other. */
export function requestOf(presented: object): Request | undefined {
  return (presented as Partial<ServedRequest>)[REQUEST];
}

function getSession(this: ServedRequest, create = true): HttpSession | null {
  return this[REQUEST].getSession(create)?.facade ?? null;
}

function changeSessionId(this: ServedRequest): string {
  return this[REQUEST].renewSessionId();
}
