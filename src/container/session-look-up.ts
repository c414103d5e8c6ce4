// Finds the session that a request asks for, before any valve runs.
import { sessionIdsOf, stemOf } from "../protocol/index.ts";
import type { Context } from "./context.ts";
import type { Request } from "./request.ts";
import type { Session } from "./session/session.ts";

/**
 * Gives the request the first session that one of its ids leads to: cookies in their order, then the path parameter where the
 * context reads it (Tomcat: CoyoteAdapter). A promise only when the manager has to fetch the session from elsewhere.
 */
export function findRequestedSession(request: Request, context: Context): void | Promise<void> {
  const ids = requestedIds(request, context);
  if (ids.length === 0) return;
  request.requestedSessionId = ids[0];
  return tryIds(request, context, ids, 0);
}

function tryIds(request: Request, context: Context, ids: readonly string[], from: number): void | Promise<void> {
  for (let index = from; index < ids.length; index++) {
    const id = ids[index]!;
    const found = context.manager?.findSession(id);
    if (found instanceof Promise) return tryFetched(found, request, context, ids, index);
    if (found !== undefined) {
      use(request, found, id);
      return;
    }
  }
}

async function tryFetched(
  fetched: Promise<Session | undefined>,
  request: Request,
  context: Context,
  ids: readonly string[],
  index: number,
): Promise<void> {
  const found = await fetched;
  if (found === undefined) await tryIds(request, context, ids, index + 1);
  else use(request, found, ids[index]!);
}

/** A client that came with an alias of a changed id learns the present one. */
function use(request: Request, session: Session, id: string): void {
  request.useSession(session, id);
  if (stemOf(id) !== stemOf(session.id)) request.changeSessionId(session.id);
}

function requestedIds(request: Request, context: Context): readonly string[] {
  const cookie = cookieField(request.req.rawHeaders);
  const ids = cookie === undefined ? NONE : sessionIdsOf("", cookie, context.cookieLookUp);
  const parameter = context.parameterLookUp;
  if (parameter === undefined) return ids;
  const fromPath = sessionIdsOf(request.originalUrl, "", parameter);
  return fromPath.length === 0 ? ids : [...ids, ...fromPath];
}

const NONE: readonly string[] = [];

/** All Cookie fields, joined; from the raw list, since `req.headers` is built on first use and not every application asks for it. */
function cookieField(rawHeaders: readonly string[]): string | undefined {
  let joined: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length !== 6 || (name !== "Cookie" && name.toLowerCase() !== "cookie")) continue;
    joined = joined === undefined ? rawHeaders[index + 1]! : `${joined}; ${rawHeaders[index + 1]!}`;
  }
  return joined;
}
