// /balancer on the management port: what this balancer knows about its workers, as JSON.
import { createHash } from "node:crypto";
import type { BalancerSettings } from "../../config/index.ts";
import { type Page, sendJson } from "../../management/index.ts";
import type { BalancerMetrics } from "../balancer-metrics.ts";
import type { Worker } from "../workers/worker.ts";

export interface StatusSources {
  readonly settings: BalancerSettings;
  readonly workers: () => Iterable<Worker>;
  readonly metrics: BalancerMetrics;
  readonly requestsInFlight: () => number;
  readonly stopping: () => boolean;
}

export function createStatusPage(sources: StatusSources): Page {
  const { settings, metrics } = sources;
  const settingsDigest = createHash("sha256").update(JSON.stringify(settings)).digest("hex").slice(0, 12);
  return (_request, response) =>
    sendJson(response, {
      state: sources.stopping() ? "Stopping" : "Running",
      method: settings.method,
      stickySession: settings.stickySession,
      discovery: settings.discovery.type,
      /** Equal on balancers with equal settings. */
      settingsDigest,
      requestsInFlight: sources.requestsInFlight(),
      sticky: metrics.sticky,
      retries: metrics.retries,
      failed: metrics.outcomes,
      refused: Object.fromEntries(metrics.refused),
      workers: [...sources.workers()].map(describeWorker),
    });
}

function describeWorker(worker: Worker): object {
  const { traffic, forwarder } = worker;
  return {
    name: worker.name,
    route: worker.route,
    address: worker.address,
    port: worker.port,
    weight: worker.weight,
    state: worker.state,
    listed: worker.unlistedTimer === undefined,
    lastError: worker.lastError,
    inFlight: traffic.inFlight,
    elected: traffic.elected,
    connectionsRefused: traffic.refused,
    connectionsLost: traffic.lost,
    requestBodyBytes: traffic.requestBodyBytes,
    responseBodyBytes: traffic.responseBodyBytes,
    answers: Object.fromEntries(traffic.answers),
    connections: { idle: forwarder.idleConnections, active: forwarder.activeConnections },
  };
}
