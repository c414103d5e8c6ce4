// The temporary folder of a local cluster: a CATALINA_BASE per worker, the channel's key, the balancer's settings, and all logs.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "../base/index.ts";
import type { ClusterPlan } from "./cluster-plan.ts";
import { markRunFolder, RUN_FOLDER_PREFIX, removeDeadRuns } from "./dead-runs.ts";

/** AES-256. */
const CHANNEL_KEY_BYTES = 32;

export class ClusterFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Removes what earlier runs left that were killed, and what it has made itself when it fails. */
  static async create(random: Random, plan: ClusterPlan, balancerSettings: unknown): Promise<ClusterFolder> {
    await removeDeadRuns(tmpdir());
    const folder = new ClusterFolder(await mkdtemp(join(tmpdir(), `${RUN_FOLDER_PREFIX}${plan.name}-`)));
    try {
      await markRunFolder(folder.path, process.pid);
      for (const worker of plan.workers) {
        for (const part of ["conf", "logs", "temp", "webapps", "work"]) await mkdir(join(folder.baseOf(worker), part), { recursive: true });
        await writeFile(join(folder.baseOf(worker), "conf", "server.xml"), plan.serverXml(folder.#channelKeyDirectory));
      }
      if (plan.encrypted) await folder.#writeChannelKey(random.bytes(CHANNEL_KEY_BYTES));
      await writeFile(folder.balancerSettingsPath, `${JSON.stringify(balancerSettings, undefined, 2)}\n`);
    } catch (error) {
      await folder.remove();
      throw error;
    }
    return folder;
  }

  baseOf(worker: string): string {
    return join(this.path, worker);
  }

  workerLogPath(worker: string): string {
    return join(this.baseOf(worker), "logs", "worker.log");
  }

  get balancerSettingsPath(): string {
    return join(this.path, "balancer.json");
  }

  get balancerLogPath(): string {
    return join(this.path, "balancer.log");
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }

  get #channelKeyDirectory(): string {
    return join(this.path, "channel-keys");
  }

  /** For nobody but this user. */
  async #writeChannelKey(key: Buffer): Promise<void> {
    await mkdir(this.#channelKeyDirectory, { mode: 0o700 });
    await writeFile(join(this.#channelKeyDirectory, "1.key"), `${key.toString("hex")}\n`, { mode: 0o600 });
  }
}
