// The /cluster page of the management port: the worker's view of its group, and on demand what its managers hold.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "../base/index.ts";
import { sendJson, sendText } from "../management/index.ts";
import type { SimpleTcpCluster } from "../replication/index.ts";
import { describeWorker, type WorkerDescription, type WorkerParts } from "./describe-worker.ts";

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const QUEUES = ["tomcatcluster_channel_queue_bytes", "tomcatcluster_channel_dispatch_queue_bytes"];

export interface ClusterPageDeps {
  readonly registry: Registry;
  /** As they are when the page is asked for. */
  readonly parts: () => WorkerParts;
}

/**
 * `?digest` adds digests of all sessions to each manager; `?sessions=CONTEXT[&after=ID][&limit=N]` lists a manager's sessions by
 * hashed id. Both read sessions in small steps between requests.
 */
export function clusterPage({ registry, parts }: ClusterPageDeps) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const query = new URL(request.url!, "http://localhost").searchParams;
    const now = parts();
    const context = query.get("sessions");
    if (context !== null) {
      await answerSessions(response, now.cluster, context, query);
      return;
    }
    const description = describeWorker(now);
    sendJson(response, {
      ...description,
      queueBytes: await queueBytes(registry),
      ...(query.has("digest") ? { managers: await withDigests(now.cluster, description) } : {}),
    });
  };
}

async function answerSessions(
  response: ServerResponse,
  cluster: SimpleTcpCluster | undefined,
  context: string,
  query: URLSearchParams,
): Promise<void> {
  const inventory = cluster?.inventoryOf(context);
  if (inventory === undefined) {
    const known = cluster?.describe().managers.map(({ contextName }) => contextName) ?? [];
    const names = known.map((name) => `"${name}"`).join(", ") || "none";
    const isKnown = known.includes(context);
    const reason = isKnown ? `Each worker has other sessions of "${context}"` : `No replicated context "${context}" here. Known: ${names}`;
    sendText(response, 404, `${reason}\n`);
    return;
  }
  const limit = Number(query.get("limit") ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    sendText(response, 400, `"limit" is a number from 1 to ${MAX_LIMIT}\n`);
    return;
  }
  sendJson(response, await inventory.page({ after: query.get("after") ?? undefined, limit }));
}

async function withDigests(cluster: SimpleTcpCluster | undefined, { managers = [] }: WorkerDescription) {
  const described = [];
  for (const manager of managers) described.push({ ...manager, ...(await cluster?.inventoryOf(manager.contextName)?.digests()) });
  return described;
}

/** Bytes that wait to be written or acknowledged, to all members together. */
async function queueBytes(registry: Registry): Promise<number> {
  let bytes = 0;
  for (const name of QUEUES) for (const { value } of (await registry.getSingleMetric(name)?.get())?.values ?? []) bytes += value;
  return bytes;
}
