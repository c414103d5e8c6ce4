// Which workers a balancer sends requests to, by its own status page.
import { httpGet } from "./http-get.ts";

interface BalancerStatus {
  readonly workers?: readonly { readonly name?: unknown; readonly state?: unknown }[];
}

/** Names of the workers that `<management>/balancer` shows as serving. Rejects when there is no such page. */
export async function fetchServingWorkers(management: string, timeoutMs: number): Promise<readonly unknown[]> {
  const { status, body } = await httpGet(`${management}/balancer`, timeoutMs);
  if (status !== 200) throw new Error(`${management}/balancer answered ${status}`);
  const { workers = [] } = JSON.parse(body) as BalancerStatus;
  return workers.filter(({ state }) => state === "Serving").map(({ name }) => name);
}
