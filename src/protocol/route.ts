// Session ids with a route, "stem.route": jvmRoute's way of telling balancers who made the session (balancer.md 4).

/** The id before its first dot: what identifies a session, whatever route follows (rule 16). */
export function stemOf(sessionId: string): string {
  const dot = sessionId.indexOf(".");
  return dot === -1 ? sessionId : sessionId.slice(0, dot);
}

/** What follows the first dot, or undefined. Tomcat and mod_jk split there too, so a route itself contains no dot. */
export function routeOf(sessionId: string): string | undefined {
  const dot = sessionId.indexOf(".");
  return dot === -1 || dot === sessionId.length - 1 ? undefined : sessionId.slice(dot + 1);
}

/** The same session under another route; without a route when it is undefined. */
export function withRoute(sessionId: string, route: string | undefined): string {
  const stem = stemOf(sessionId);
  return route === undefined ? stem : `${stem}.${route}`;
}
