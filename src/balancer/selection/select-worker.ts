// One choice: the session's own worker, else the one that every balancer would name, else the balancing method (balancer.md 4, rules 17, 18).
import { routeOf, stemOf } from "../../protocol/index.ts";
import type { BalancingMethod } from "./balancing-method.ts";
import { highestRendezvous } from "./rendezvous.ts";
import type { Candidate, Snapshot } from "./snapshot.ts";

/** `None`: no session id. `Hit`: its route's worker. `Changed`: another one. `Miss`: an id without a route. */
export const STICKY_RESULTS = ["None", "Hit", "Changed", "Miss"] as const;
export type StickyResult = (typeof STICKY_RESULTS)[number];

export interface Selection<C extends Candidate> {
  readonly candidate: C;
  readonly sticky: StickyResult;
  /** The session id that decided, when one did. */
  readonly sessionId: string | undefined;
}

export interface SelectionRequest<C extends Candidate> {
  /** Session ids in the order in which they count. */
  readonly sessionIds: readonly string[];
  /** Workers that this request has been sent to in vain. */
  readonly tried: readonly C[];
  /** A session whose route has no usable worker gets none. */
  readonly force: boolean;
  /** Whether the session of this stem is in use on a draining worker. */
  readonly isInUse: (worker: C, stem: string) => boolean;
}

/** Undefined when nobody can take the request. The choice is counted by `method`, whatever made it. */
export function selectWorker<C extends Candidate>(
  snapshot: Snapshot<C>,
  request: SelectionRequest<C>,
  method: BalancingMethod,
): Selection<C> | undefined {
  const { sessionIds, tried } = request;
  for (const sessionId of sessionIds) {
    const route = routeOf(sessionId);
    const standing = route === undefined ? undefined : snapshot.byRoute.get(route);
    if (!standing || tried.includes(standing.candidate)) continue;
    const usable = standing.tier === 0 || (standing.draining && request.isInUse(standing.candidate, stemOf(sessionId)));
    if (usable) return hit(snapshot, standing.candidate, sessionId, method);
  }
  const decisive = sessionIds.find((sessionId) => routeOf(sessionId) !== undefined) ?? sessionIds[0];
  const hasRoute = decisive !== undefined && routeOf(decisive) !== undefined;
  for (let tier = 0; tier < snapshot.tiers.length; tier++) {
    const members = snapshot.tiers[tier]!;
    const candidates = tried.length === 0 ? members : members.filter((member) => !tried.includes(member));
    if (candidates.length === 0) continue;
    if (decisive === undefined) return { candidate: method.choose(candidates), sticky: "None", sessionId: undefined };
    if (tier > 0) {
      const own = sessionIds.find((sessionId) => candidates.some((candidate) => candidate.route === routeOf(sessionId)));
      if (own !== undefined) return hit(snapshot, snapshot.byRoute.get(routeOf(own)!)!.candidate, own, method);
    }
    if (request.force && hasRoute) return undefined;
    const candidate = highestRendezvous(candidates, stemOf(decisive));
    method.count(candidates, candidate);
    return { candidate, sticky: hasRoute ? "Changed" : "Miss", sessionId: decisive };
  }
  return undefined;
}

function hit<C extends Candidate>(snapshot: Snapshot<C>, candidate: C, sessionId: string, method: BalancingMethod): Selection<C> {
  method.count(snapshot.tiers[0] ?? [candidate], candidate);
  return { candidate, sticky: "Hit", sessionId };
}
