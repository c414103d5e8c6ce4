// Gives a session that another worker made this worker's route (Tomcat: JvmRouteBinderValve; ha.md 8, rule 16).
import type { AttributeValue } from "../../config/index.ts";
import type { Request, Valve } from "../../container/index.ts";
import { routeOf, withRoute } from "../../protocol/index.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";
import { ClusterManagerBase } from "../session/cluster-manager-base.ts";
import type { ReplicationValveCluster } from "./replication-valve.ts";

export type JvmRouteBinderValveCluster = ReplicationValveCluster & { readonly metrics: Pick<ReplicationMetrics, "takenOver"> };

const ORIGINAL_SESSION_ID = "org.apache.catalina.ha.session.JvmRouteOriginalSessionID";

export class JvmRouteBinderValve implements Valve {
  readonly #cluster: JvmRouteBinderValveCluster;
  readonly #jvmRoute: string | undefined;
  readonly #sessionIdAttribute: string;

  /** `enabled`: default true. `sessionIdAttribute`: where valves behind this one find the id before. */
  constructor(cluster: JvmRouteBinderValveCluster, attributes: Readonly<Record<string, AttributeValue>>, jvmRoute: string | undefined) {
    this.#cluster = cluster;
    this.#jvmRoute = attributes.enabled === false ? undefined : jvmRoute;
    this.#sessionIdAttribute = String(attributes.sessionIdAttribute ?? ORIGINAL_SESSION_ID);
  }

  invoke(request: Request, next: (request: Request) => void): void {
    const manager = request.context?.manager;
    const isOurs = manager instanceof ClusterManagerBase && this.#cluster.owns(manager);
    if (this.#jvmRoute !== undefined && isOurs) this.#bind(request, this.#jvmRoute);
    next(request);
  }

  /** An id without a route is never changed. */
  #bind(request: Request, jvmRoute: string): void {
    const session = request.session;
    const requestedId = request.requestedSessionId;
    if (session === undefined || requestedId === undefined) return;
    const route = routeOf(session.id);
    if (route !== undefined && route !== jvmRoute) {
      const originalId = session.id;
      request.changeSessionId(withRoute(originalId, jvmRoute));
      request.attributes.set(this.#sessionIdAttribute, originalId);
      this.#cluster.metrics.takenOver.inc();
    } else if (route !== undefined && routeOf(requestedId) !== jvmRoute) {
      // Another request of this client took the session over meanwhile: only its cookie is old.
      request.attributes.set(this.#sessionIdAttribute, requestedId);
      request.changeSessionId(session.id);
    }
  }
}
