// One worker: where it is, how it is, and what it has been given to do.
import type { Timer } from "../../base/index.ts";
import type { Forwarder } from "../forward/forwarder.ts";
import type { Candidate } from "../selection/snapshot.ts";
import type { WorkerDescription } from "./discovery/discovery.ts";
import type { HealthCheck } from "./health-check.ts";
import type { SessionsInUse } from "./sessions-in-use.ts";
import type { HealthResult, WorkerHealth, WorkerState } from "./worker-states.ts";

/** Plain numbers on the hot path; metrics and the status page read them when asked. */
export class WorkerTraffic {
  /** Requests given to the worker, repeats included. */
  elected = 0;
  inFlight = 0;
  /** Connections that it refused. */
  refused = 0;
  /** Attempts whose connection ended before the answer did. */
  lost = 0;
  requestBodyBytes = 0;
  responseBodyBytes = 0;
  /** Answers passed on, by status. */
  readonly answers = new Map<number, number>();
  readonly healthChecks = new Map<HealthResult, number>();

  answered(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
  }

  healthChecked(result: HealthResult): void {
    this.healthChecks.set(result, (this.healthChecks.get(result) ?? 0) + 1);
  }
}

export class Worker implements Candidate {
  readonly name: string;
  readonly route: string;
  readonly address: string;
  readonly port: number;
  readonly forwarder: Forwarder;
  readonly health: WorkerHealth;
  readonly traffic: WorkerTraffic;
  /** The following belong to the WorkerRegistry. */
  weight: number;
  healthCheck: HealthCheck | undefined;
  /** While it drains: which sessions stay. */
  sessionsInUse: SessionsInUse | undefined;
  /** When it last refused a connection, unless that is over; of the clock's monotonic time. */
  errorSinceMs: number | undefined;
  errorTimer: Timer | undefined;
  lastError: string | undefined;
  /** Its pod is about to end, whatever its health check says by now. */
  leaving: boolean;
  /** Runs while discovery no longer lists it. */
  unlistedTimer: Timer | undefined;

  constructor(description: WorkerDescription, forwarder: Forwarder, health: WorkerHealth, traffic: WorkerTraffic) {
    this.name = description.name;
    this.route = description.route;
    this.address = description.address;
    this.port = description.port;
    this.weight = description.weight;
    this.leaving = description.leaving;
    this.forwarder = forwarder;
    this.health = health;
    this.traffic = traffic;
  }

  get state(): WorkerState {
    if (this.errorSinceMs !== undefined) return "Error";
    const { state } = this.health;
    return this.leaving && (state === "Serving" || state === "Unknown") ? "Draining" : state;
  }
}
