// Sends what a request changed before the last bytes of its answer leave (Tomcat: ReplicationValve; ha.md 9, rules 7 to 9).
import { asError } from "../../base/index.ts";
import type { AttributeValue } from "../../config/index.ts";
import type { Request, Valve } from "../../container/index.ts";
import { InvalidPatternError } from "../errors.ts";
import { allKept, type Kept } from "../peers/kept.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";
import { ClusterManagerBase } from "../session/cluster-manager-base.ts";
import { DeltaSession } from "../session/delta-session.ts";
import type { Standstill } from "../standstill.ts";

/** The cluster, as far as the valve asks. */
export interface ReplicationValveCluster {
  owns(manager: ClusterManagerBase): boolean;
  readonly metrics: Pick<ReplicationMetrics, "notKept">;
  readonly standstill: Pick<Standstill, "settled">;
}

const NOT_KEPT = "What this request changed is on one server only, so it may be lost. Try again in a moment.";
const PRIMARY_INDICATOR = "org.apache.catalina.ha.tcp.isPrimarySession";

export class ReplicationValve implements Valve {
  readonly #cluster: ReplicationValveCluster;
  readonly #filter: RegExp | undefined;
  readonly #primaryIndicatorName: string | undefined;
  readonly #required: boolean;

  /**
   * `filter`: requests whose decoded URI it matches as a whole are not replicated; their changes go with the next request that
   * is. `primaryIndicator`: tell valves behind this one, under `primaryIndicatorName`, whether this worker served the session
   * last. `durability` "Required": a request whose changes no other member has is answered with 503; the changes stay here and
   * reach the others as soon as they answer (rule 8). Throws InvalidPatternError.
   */
  constructor(cluster: ReplicationValveCluster, attributes: Readonly<Record<string, AttributeValue>>) {
    const { filter, primaryIndicator, primaryIndicatorName, durability } = attributes;
    this.#cluster = cluster;
    this.#filter = filter === undefined || filter === "" ? undefined : wholeMatch(String(filter));
    this.#primaryIndicatorName = primaryIndicator === true ? String(primaryIndicatorName ?? PRIMARY_INDICATOR) : undefined;
    this.#required = durability === "Required";
  }

  /** After a standstill of this process requests wait a moment; those whose clients have gone meanwhile are not carried out. */
  invoke(request: Request, next: (request: Request) => void): void {
    const manager = request.context?.manager;
    if (!(manager instanceof ClusterManagerBase) || !this.#cluster.owns(manager)) {
      next(request);
      return;
    }
    const proceed = () => {
      this.#indicatePrimary(request);
      request.onBeforeEnd(() => {
        const standstill = this.#cluster.standstill.settled();
        return standstill === undefined ? this.#completed(request, manager) : standstill.then(() => this.#completed(request, manager));
      });
      next(request);
    };
    const settled = this.#cluster.standstill.settled();
    if (settled === undefined) proceed();
    else void settled.then(() => (request.clientGone ? request.res.destroy() : proceed()));
  }

  #completed(request: Request, manager: ClusterManagerBase): Promise<void> | undefined {
    const skipped = this.#filter?.test(request.decodedUri) === true;
    let kept: Kept = true;
    for (const session of request.usedSessions) {
      if (!(session instanceof DeltaSession)) continue;
      if (skipped) kept = allKept(kept, manager.requestSkipped(session));
      else if (!request.clientGone) kept = allKept(kept, manager.requestCompleted(session));
      else kept = allKept(kept, manager.requestAbandoned(session, { uses: request.complete ? 0 : 1 }));
    }
    return this.#judge(request, kept);
  }

  /** Without a promise where nothing is awaited: most requests change nothing. */
  #judge(request: Request, kept: Kept): Promise<void> | undefined {
    if (kept === true) return undefined;
    if (kept === false) {
      this.#notKept(request);
      return undefined;
    }
    return kept.then((wasKept) => {
      if (!wasKept) this.#notKept(request);
    });
  }

  #notKept(request: Request): void {
    this.#cluster.metrics.notKept.inc({ answer: this.#required ? "refused" : "sent" });
    if (!this.#required) return;
    // Of an answer that is on its way already the end is missing: the client must not take it for a whole one.
    if (!request.replaceAnswer(503, NOT_KEPT, { "Retry-After": "1" })) request.res.destroy();
  }

  #indicatePrimary(request: Request): void {
    if (this.#primaryIndicatorName === undefined) return;
    const { session } = request;
    if (session instanceof DeltaSession) request.attributes.set(this.#primaryIndicatorName, session.primary);
  }
}

function wholeMatch(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch (error) {
    throw new InvalidPatternError("filter", pattern, { cause: asError(error) });
  }
}
