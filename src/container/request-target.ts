// What a request target says: the path for mapping and filters, and the same target as an application below a context path sees it.

const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;
const PATH_PARAMETERS = /;[^/]*/g;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
const QUESTION_MARK = 0x3f;
const SLASH = 0x2f;

/** The authority of a target in absolute form (RFC 9112, 3.2.2), and the rest in origin form; undefined for any other target. */
export function splitAbsoluteForm(target: string): { authority: string; originForm: string } | undefined {
  const match = ABSOLUTE_FORM.exec(target);
  if (!match) return undefined;
  const rest = target.slice(match[0].length);
  return { authority: match[1]!, originForm: rest.charCodeAt(0) === SLASH ? rest : `/${rest}` };
}

/**
 * The path, percent-decoded, without path parameters and query; "%2F" and "%5C" stay as they are, since they separate nothing.
 * Undefined for a target that is refused: not a path, undecodable, with a NUL or with dot segments, which every client resolves
 * before it sends them and whose meaning would depend on who resolves them.
 */
export function decodePath(target: string): string | undefined {
  if (target.charCodeAt(0) !== SLASH) return target === "*" ? target : undefined;
  const query = target.indexOf("?");
  let path = query === -1 ? target : target.slice(0, query);
  if (path.includes(";")) path = path.replace(PATH_PARAMETERS, "");
  if (path.includes("%")) {
    try {
      path = decodeURIComponent(path.replace(/%(?=2f|5c)/gi, "%25"));
    } catch {
      return undefined;
    }
    if (path.includes("\0")) return undefined;
  }
  return path.includes("/.") && DOT_SEGMENT.test(path) ? undefined : path;
}

/** The target without its first segments: what an application mounted there gets as `url`. Starts with "/". */
export function withoutSegments(target: string, segments: number): string {
  let index = 0;
  for (let left = segments; left > 0; left--) {
    do index++;
    while (index < target.length && target.charCodeAt(index) !== SLASH && target.charCodeAt(index) !== QUESTION_MARK);
  }
  if (index >= target.length) return "/";
  return target.charCodeAt(index) === SLASH ? target.slice(index) : `/${target.slice(index)}`;
}

/** The target with a "/" at the end of its path, before parameters and query. */
export function withTrailingSlash(target: string): string {
  const end = target.search(/[;?]/);
  return end === -1 ? `${target}/` : `${target.slice(0, end)}/${target.slice(end)}`;
}

/** The target without this path parameter, wherever it stands in the path. */
export function withoutPathParameter(target: string, name: string): string {
  const query = target.indexOf("?");
  const pathEnd = query === -1 ? target.length : query;
  const start = target.indexOf(`;${name}=`);
  if (start === -1 || start >= pathEnd) return target;
  let end = start + 1;
  while (end < pathEnd && target[end] !== ";" && target[end] !== "/") end++;
  return target.slice(0, start) + target.slice(end);
}
