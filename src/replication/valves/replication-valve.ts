// Sends what a request changed before the last bytes of its answer leave (Tomcat: ReplicationValve; ha.md 9, rules 7 to 9).
import { asError } from "../../base/index.ts";
import type { AttributeValue } from "../../config/index.ts";
import type { Request, Valve } from "../../container/index.ts";
import { InvalidPatternError } from "../errors.ts";
import { DeltaManager } from "../session/delta-manager.ts";
import { DeltaSession } from "../session/delta-session.ts";

/** The cluster, as far as the valve asks. */
export interface ReplicationValveCluster {
  owns(manager: DeltaManager): boolean;
}

const PRIMARY_INDICATOR = "org.apache.catalina.ha.tcp.isPrimarySession";

export class ReplicationValve implements Valve {
  readonly #cluster: ReplicationValveCluster;
  readonly #filter: RegExp | undefined;
  readonly #primaryIndicatorName: string | undefined;

  /**
   * `filter`: requests whose decoded URI it matches as a whole are not replicated; their changes go with the next request that
   * is. `primaryIndicator`: tell valves behind this one, under `primaryIndicatorName`, whether this worker served the session
   * last. Throws InvalidPatternError.
   */
  constructor(cluster: ReplicationValveCluster, attributes: Readonly<Record<string, AttributeValue>>) {
    const { filter, primaryIndicator, primaryIndicatorName } = attributes;
    this.#cluster = cluster;
    this.#filter = filter === undefined || filter === "" ? undefined : wholeMatch(String(filter));
    this.#primaryIndicatorName = primaryIndicator === true ? String(primaryIndicatorName ?? PRIMARY_INDICATOR) : undefined;
  }

  invoke(request: Request, next: (request: Request) => void): void {
    const manager = request.context?.manager;
    if (manager instanceof DeltaManager && this.#cluster.owns(manager)) {
      this.#indicatePrimary(request);
      const filtered = this.#filter?.test(request.decodedUri) === true;
      request.onBeforeEnd(() => (filtered ? manager.requestSkipped() : manager.requestCompleted(sessionOf(request))));
    }
    next(request);
  }

  #indicatePrimary(request: Request): void {
    if (this.#primaryIndicatorName === undefined) return;
    const session = sessionOf(request);
    if (session !== undefined) request.attributes.set(this.#primaryIndicatorName, session.primary);
  }
}

function sessionOf(request: Request): DeltaSession | undefined {
  const session = request.session;
  return session instanceof DeltaSession ? session : undefined;
}

function wholeMatch(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch (error) {
    throw new InvalidPatternError("filter", pattern, { cause: asError(error) });
  }
}
