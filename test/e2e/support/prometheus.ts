// A real Prometheus that finds pods by the annotations prometheus.io/*, as most are set up that have no operator of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { probePort } from "../../../src/local/loopback-network.ts";
import { endsWithUs } from "../../support/ends-with-us.ts";
import { until } from "../../support/until.ts";

export const PROMETHEUS = "prometheus";
const ADDRESS = "127.0.0.1";
const SCRAPE_INTERVAL = "2s";
const ANNOTATION = "__meta_kubernetes_pod_annotation_prometheus_io_";
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

  private constructor(port: number, kubeconfig: string) {
    this.#url = `http://${ADDRESS}:${port}`;
    const file = join(this.#folder, "prometheus.yml");
    writeFileSync(file, stringify(configuration(kubeconfig)));
    const log = openSync(this.#logFile, "a");
    const options = [`--config.file=${file}`, `--storage.tsdb.path=${this.#folder}/data`, `--web.listen-address=${ADDRESS}:${port}`];
    this.#child = spawn("setpriv", [...endsWithUs(), PROMETHEUS, ...options], { stdio: ["ignore", log, log] });
    closeSync(log);
  }

  /** `kubeconfig`: of somebody who may list pods. */
  static async start(kubeconfig: string): Promise<Prometheus> {
    const prometheus = new Prometheus(await probePort(ADDRESS, 0), kubeconfig);
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

function configuration(kubeconfig: string): object {
  const label = (name: string, source: string) => ({ source_labels: [source], target_label: name });
  return {
    global: { scrape_interval: SCRAPE_INTERVAL },
    scrape_configs: [
      {
        job_name: "pods",
        kubernetes_sd_configs: [{ role: "pod", kubeconfig_file: kubeconfig }],
        relabel_configs: [
          { source_labels: [`${ANNOTATION}scrape`], action: "keep", regex: "true" },
          label("__metrics_path__", `${ANNOTATION}path`),
          {
            source_labels: ["__meta_kubernetes_pod_ip", `${ANNOTATION}port`],
            separator: ":",
            target_label: "__address__",
          },
          label("namespace", "__meta_kubernetes_namespace"),
          label("pod", "__meta_kubernetes_pod_name"),
        ],
      },
    ],
  };
}
