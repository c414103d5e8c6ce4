// An engine with fixture applications behind a real HTTP connector on a free port of loopback.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, Registry, silentLogger, systemRandom } from "../../src/base/index.ts";
import type { ComponentConfig, ConnectorConfig, ContextConfig, ContextDefaults, HostConfig, Location } from "../../src/config/index.ts";
import { HttpConnector } from "../../src/connector/index.ts";
import { Engine, type EngineDeps, HeapGuard, type Manager, managerOptionsOf, StandardManager } from "../../src/container/index.ts";
import { ManualClock } from "./manual-clock.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/webapps");
export const NOWHERE: Location = { file: "server.xml", line: 1, column: 1 };

export const CONTEXT_DEFAULTS: ContextDefaults = {
  sessionTimeoutSeconds: 1800,
  sessionCookieName: "JSESSIONID",
  useHttpOnly: true,
  sameSiteCookies: "unset",
};

export interface ContainerOptions {
  /** Name in webapps to the fixture's folder; null: an empty folder. */
  readonly applications?: Readonly<Record<string, string | null>>;
  readonly jvmRoute?: string;
  readonly defaults?: Partial<ContextDefaults>;
  readonly contexts?: readonly Partial<ContextConfig>[];
  /** Further hosts by name, each with a folder of applications of its own. */
  readonly hosts?: Readonly<Record<string, { aliases?: readonly string[]; applications: Readonly<Record<string, string>> }>>;
  readonly valves?: readonly ComponentConfig[];
  readonly valveFactories?: EngineDeps["valveFactories"];
  readonly manager?: Record<string, number>;
  readonly connector?: Partial<ConnectorConfig>;
  readonly stopTimeoutMs?: number;
  readonly clock?: Clock;
  readonly heapFull?: () => boolean;
  readonly createManager?: (manager: StandardManager) => Manager;
}

export class RunningContainer {
  readonly clock: Clock;
  readonly registry = new Registry();
  readonly accessLog: string[] = [];
  readonly base: string;
  readonly engine: Engine;
  readonly connector: HttpConnector;
  #connectorStopped = false;

  private constructor(options: ContainerOptions) {
    this.clock = options.clock ?? new ManualClock();
    this.base = mkdtempSync(join(tmpdir(), "tomcat-cluster-container-"));
    const logger = silentLogger;
    const deps = { clock: this.clock, random: systemRandom, logger, registry: this.registry };
    const heapGuard = new HeapGuard(this.clock, () => ({ usedBytes: options.heapFull?.() ? 86 : 85, limitBytes: 100 }));
    const contexts = (options.contexts ?? []).map(
      (context) => ({ ...CONTEXT_DEFAULTS, valves: [], location: NOWHERE, ...context }) as ContextConfig,
    );
    const hosts = [
      this.#host("localhost", "webapps", { applications: options.applications ?? {} }, options, contexts),
      ...Object.entries(options.hosts ?? {}).map(([name, host]) => this.#host(name, `webapps-${name}`, host, options, [])),
    ];
    this.engine = new Engine(
      {
        clock: this.clock,
        logger,
        valveFactories: options.valveFactories ?? new Map(),
        managerFactory: (context) => {
          const manager = new StandardManager({ ...deps, heapGuard }, { ...managerOptionsOf(context), ...options.manager });
          return options.createManager?.(manager) ?? manager;
        },
        accessLog: { writeLine: (line) => this.accessLog.push(line) },
      },
      {
        baseFolder: this.base,
        config: {
          name: "Catalina",
          defaultHost: "localhost",
          hosts,
          valves: options.valves ?? [],
          location: NOWHERE,
          ...(options.jvmRoute === undefined ? {} : { jvmRoute: options.jvmRoute }),
        },
      },
    );
    this.connector = new HttpConnector(
      { clock: this.clock, logger, registry: this.registry, handler: this.engine },
      {
        ...(options.stopTimeoutMs === undefined ? {} : { stopTimeoutMs: options.stopTimeoutMs }),
        config: {
          protocol: "HTTP/1.1",
          address: "127.0.0.1",
          port: 0,
          connectionTimeoutMs: 20_000,
          keepAliveTimeoutMs: 20_000,
          maxKeepAliveRequests: -1,
          maxHttpRequestHeaderSize: 8192,
          maxConnections: 100,
          location: NOWHERE,
          ...options.connector,
        },
      },
    );
  }

  static async start(options: ContainerOptions): Promise<RunningContainer> {
    const container = new RunningContainer(options);
    await container.engine.start();
    await container.connector.start();
    return container;
  }

  get port(): number {
    return this.connector.port;
  }

  /** Keeps no connection. */
  fetch(path: string, options: RequestInit = {}): Promise<Response> {
    const headers = { connection: "close", ...(options.headers as Record<string, string> | undefined) };
    return fetch(`http://127.0.0.1:${this.port}${path}`, { redirect: "manual", ...options, headers });
  }

  async metric(name: string): Promise<number> {
    const metric = await this.registry.getSingleMetric(name)!.get();
    return metric.values.reduce((sum, value) => sum + value.value, 0);
  }

  async stopConnector(): Promise<void> {
    this.#connectorStopped = true;
    await this.connector.stop();
  }

  async stop(): Promise<void> {
    if (!this.#connectorStopped) await this.stopConnector();
    await this.engine.stop();
    rmSync(this.base, { recursive: true, force: true });
  }

  #host(
    name: string,
    appBase: string,
    host: { aliases?: readonly string[]; applications: Readonly<Record<string, string | null>> },
    options: ContainerOptions,
    contexts: readonly ContextConfig[],
  ): HostConfig {
    mkdirSync(join(this.base, appBase));
    for (const [folder, fixture] of Object.entries(host.applications)) {
      const target = join(this.base, appBase, folder);
      if (/\.(war|tgz)$/.test(folder)) writeFileSync(target, "");
      else if (fixture === null) mkdirSync(target);
      else symlinkSync(join(FIXTURES, fixture), target);
    }
    return {
      name,
      aliases: host.aliases ?? [],
      appBase,
      autoDeploy: false,
      deployOnStartup: true,
      defaultContext: { ...CONTEXT_DEFAULTS, ...options.defaults },
      contexts,
      valves: [],
      location: NOWHERE,
    };
  }
}

/** The "name=value" of a cookie that an answer sets, or undefined. */
export function cookieOf(response: Response, name = "JSESSIONID"): string | undefined {
  for (const cookie of response.headers.getSetCookie()) if (cookie.startsWith(`${name}=`)) return cookie.split(";", 1)[0];
  return undefined;
}
