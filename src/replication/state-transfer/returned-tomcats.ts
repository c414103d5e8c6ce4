// Asks a Tomcat that was away for what it has: of what it changed meanwhile it tells nobody by itself (rule 11; ha.md 3.3).
import type { Clock, Logger } from "../../base/index.ts";
import type { Channel, Member } from "../../channel/index.ts";
import { getAllSessions } from "../message-bodies.ts";
import { SESSION_EVENTS } from "../messages.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";

export interface ReturnedTomcatsDeps {
  readonly channel: Pick<Channel, "send">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ReplicationMetrics;
}

const ASK = { acknowledge: "Received", asynchronous: false } as const;

export class ReturnedTomcats {
  readonly #deps: ReturnedTomcatsDeps;
  readonly #contextName: string;
  /** By member key, of those whose answer is not over: see `ask`. */
  readonly #asked = new Map<string, number>();

  constructor(deps: ReturnedTomcatsDeps, contextName: string) {
    this.#deps = deps;
    this.#contextName = contextName;
  }

  /** `reachedUntilMs`, since 1970: what was sent to it until then has arrived there. */
  ask(member: Member, reachedUntilMs: number): void {
    const { channel, clock, logger, metrics } = this.#deps;
    this.#asked.set(member.key, reachedUntilMs);
    metrics.sent(SESSION_EVENTS.GetAllSessions);
    logger.info({ manager: this.#contextName, member: member.name }, "Asking a Tomcat that was away for its sessions");
    channel
      .send([member], { kind: "Object", body: getAllSessions(this.#contextName, clock.now()) }, ASK)
      .catch((error: unknown) =>
        logger.info({ err: error, manager: this.#contextName, member: member.name }, "Tomcat could not be asked for its sessions"),
      );
  }

  /** Undefined: this member was not asked. */
  reachedUntilMs(member: Member): number | undefined {
    return this.#asked.get(member.key);
  }

  /** It has sent everything, or gone. */
  forget(member: Member): void {
    this.#asked.delete(member.key);
  }
}
