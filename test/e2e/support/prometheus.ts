// A real Prometheus that scrapes the pods which have the annotations prometheus.io/*. Debian's is built without the discovery of
// Kubernetes, so it is told which these are.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type KubeClient, RESOURCES } from "../../../src/kube/index.ts";
import { probePort } from "../../../src/local/loopback-network.ts";
import type { Pod } from "../../../src/operator/observe/worker-pods.ts";
import { endsWithUs } from "../../support/ends-with-us.ts";
import { until } from "../../support/until.ts";

export const PROMETHEUS = "prometheus";
const ADDRESS = "127.0.0.1";
const SCRAPE_INTERVAL = "2s";
const ANNOTATION = "prometheus.io/";
const LOG_TAIL_CHARACTERS = 2000;

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Time in seconds, and the value as text. */
  readonly value: readonly [number, string];
}

export class Prometheus {
  readonly #folder = mkdtempSync(join(tmpdir(), "prometheus-"));
  readonly #url: string;
  readonly #child: ChildProcess;

  private constructor(port: number, pods: readonly Pod[]) {
    this.#url = `http://${ADDRESS}:${port}`;
    const file = join(this.#folder, "prometheus.yml");
    writeFileSync(file, stringify(configuration(pods)));
    const log = openSync(this.#logFile, "a");
    const options = [`--config.file=${file}`, `--storage.tsdb.path=${this.#folder}/data`, `--web.listen-address=${ADDRESS}:${port}`];
    this.#child = spawn("setpriv", [...endsWithUs(), PROMETHEUS, ...options], { stdio: ["ignore", log, log] });
    closeSync(log);
  }

  /** It scrapes the pods that there are now. `client` may list them all. */
  static async start(client: KubeClient): Promise<Prometheus> {
    const prometheus = new Prometheus(await probePort(ADDRESS, 0), await client.list<Pod>(RESOURCES.Pod, {}));
    try {
      await until("Prometheus is ready", async () => (await fetch(`${prometheus.#url}/-/ready`)).ok, { patienceMs: 20_000 });
    } catch (error) {
      const log = readFileSync(prometheus.#logFile, "utf8").slice(-LOG_TAIL_CHARACTERS);
      await prometheus.stop();
      throw new Error(`Prometheus does not start: ${log}`, { cause: error });
    }
    return prometheus;
  }

  /** The result of a query of PromQL that has a vector as its result. */
  async query(promql: string): Promise<readonly Series[]> {
    const answer = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(promql)}`);
    const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: { result: Series[] } };
    if (status !== "success") throw new Error(`${promql}: ${error}`);
    return data.result;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      await exit;
    }
    rmSync(this.#folder, { recursive: true });
  }

  get #logFile(): string {
    return join(this.#folder, "log");
  }
}

function configuration(pods: readonly Pod[]): object {
  return { global: { scrape_interval: SCRAPE_INTERVAL }, scrape_configs: pods.flatMap(scrapeOf) };
}

function scrapeOf({ metadata: { namespace, name, annotations = {} }, status }: Pod): object[] {
  if (annotations[`${ANNOTATION}scrape`] !== "true") return [];
  const targets = [`${status?.podIP}:${annotations[`${ANNOTATION}port`]}`];
  const labels = { namespace, pod: name };
  return [{ job_name: `${namespace}/${name}`, metrics_path: annotations[`${ANNOTATION}path`], static_configs: [{ targets, labels }] }];
}
