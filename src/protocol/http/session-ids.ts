// The session ids that a request carries: path parameter first, then every cookie of the name (balancer.md 4.1).

export interface SessionIdOptions {
  /** Name of the cookie, compared exactly. */
  readonly cookie: string;
  /** Name of the path parameter, or undefined when the path is not searched. */
  readonly pathParameter: string | undefined;
}

const NONE: readonly string[] = [];
/** More cookies of one name than this are an attack; the first ones count. */
const MAX_IDS = 16;

/**
 * All ids in the order in which they count. `cookie` is the joined Cookie field, `target` a path with query.
 * A parameter counts only inside the path and ends at "/", ";", "?" or "#"; quotes around a cookie's value are removed.
 */
export function sessionIdsOf(target: string, cookie: string, options: SessionIdOptions): readonly string[] {
  const fromPath = options.pathParameter === undefined ? undefined : pathParameter(target, options.pathParameter);
  const hasCookie = cookie.includes(options.cookie);
  if (!hasCookie) return fromPath === undefined ? NONE : [fromPath];
  const ids: string[] = fromPath === undefined ? [] : [fromPath];
  addCookies(cookie, options.cookie, ids);
  return ids;
}

function pathParameter(target: string, name: string): string | undefined {
  const query = target.indexOf("?");
  const pathEnd = query === -1 ? target.length : query;
  const mark = `;${name}=`;
  const found = target.indexOf(mark);
  if (found === -1 || found >= pathEnd) return undefined;
  const start = found + mark.length;
  let end = start;
  while (end < pathEnd && !PARAMETER_ENDS.includes(target[end]!)) end++;
  return end === start ? undefined : target.slice(start, end);
}

const PARAMETER_ENDS = "/;#";

function addCookies(cookie: string, name: string, ids: string[]): void {
  let start = 0;
  while (start < cookie.length && ids.length < MAX_IDS) {
    let end = cookie.indexOf(";", start);
    if (end === -1) end = cookie.length;
    while (cookie.charCodeAt(start) === 0x20 || cookie.charCodeAt(start) === 0x09) start++;
    if (cookie.charCodeAt(start + name.length) === 0x3d && cookie.startsWith(name, start)) {
      const value = cookieValue(cookie.slice(start + name.length + 1, end));
      if (value !== "") ids.push(value);
    }
    start = end + 1;
  }
}

/** Some gateways join Cookie fields by a comma, which no session id contains: the value ends there too. */
function cookieValue(text: string): string {
  const comma = text.indexOf(",");
  const value = (comma === -1 ? text : text.slice(0, comma)).trim();
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
