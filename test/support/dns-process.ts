// The DNS server of a cluster as a process of its own, so that a test can freeze it, stop it and start it again.
// As a program: `node dns-process.ts JSON`, where JSON is a DnsProcessOptions.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createLogger, type Lifecycle } from "../../src/base/index.ts";
import { DnsServer } from "../../src/local/dns-server.ts";
import { DnsZone, type ZoneEndpoint, type ZoneService } from "../../src/local/dns-zone.ts";

export interface DnsProcessOptions {
  readonly address: string;
  readonly port: number;
  readonly namespace: string;
  readonly services: readonly ZoneService[];
  readonly endpoints: readonly ZoneEndpoint[];
}

export class DnsProcess implements Lifecycle {
  readonly #options: DnsProcessOptions;
  #child: ChildProcess | undefined;

  constructor(options: DnsProcessOptions) {
    this.#options = options;
  }

  /** May be called again after `stop`. */
  async start(): Promise<void> {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(this.#options)]);
    this.#child = child;
    await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`The DNS server ended with ${code}`))),
    ]);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

async function main(options: DnsProcessOptions): Promise<void> {
  const zone = new DnsZone(options.services, { namespace: options.namespace });
  zone.setEndpoints(options.endpoints);
  await new DnsServer({ authority: zone, logger: createLogger({ level: "warn" }, process.stderr) }, options).start();
  process.once("disconnect", () => process.exit(0));
  process.send?.("listening");
}

if (import.meta.main) await main(JSON.parse(process.argv[2]!) as DnsProcessOptions);
