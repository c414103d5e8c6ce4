// What a newcomer reads when the cluster is ready: where to go, what to kill, what to look at.
import type { ReadyEvent } from "./events.ts";

export interface WelcomeDetails {
  readonly name: string;
  readonly network: string;
  /** Context paths, "" for the root application. */
  readonly paths: readonly string[];
  /** Where the processes' logs are. */
  readonly folder: string;
}

export function welcome(ready: ReadyEvent, details: WelcomeDetails): string {
  const { url, balancer, workers } = ready;
  const pages = details.paths.length === 0 ? [`${url}/`] : details.paths.map((path) => `${url}${path}/`);
  const victim = workers[0];
  const nameWidth = Math.max(...workers.map(({ name }) => name.length), "balancer".length);
  const lines = [
    `TomcatCluster "${details.name}" is ready on ${details.network}: ${workers.length} ${workers.length === 1 ? "worker" : "workers"} behind one balancer.`,
    "",
    `  ${"balancer".padEnd(nameWidth)}  pid ${balancer.pid}  ${url}`,
    ...workers.map((worker) => `  ${worker.name.padEnd(nameWidth)}  pid ${worker.pid}  http://${worker.address}:${worker.http}`),
    "",
    "Try it:",
    `  1. Open ${pages.join(" or ")} and do something that a session remembers.`,
  ];
  if (victim !== undefined && workers.length > 1) {
    lines.push(
      `  2. Kill the worker that answered, for instance ${victim.name}:  kill -9 ${victim.pid}`,
      "  3. Reload: another worker answers, and the session is still there.",
    );
  }
  lines.push(
    "",
    "Look at:",
    `  ${balancer.management}/balancer  what the balancer knows of its workers`,
    ...(victim === undefined ? [] : [`  ${victim.management}/metrics  a worker's metrics; /readyz tells whether it is ready`]),
    `  ${details.folder}  logs and rendered server.xml of each process`,
    "",
    "Stop with Ctrl+C.",
  );
  return lines.join("\n");
}
