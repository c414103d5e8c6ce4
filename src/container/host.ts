// A virtual host: the applications of one folder under one name and its aliases (Tomcat: StandardHost, HostConfig).
import { resolve } from "node:path";
import { asError, type Lifecycle, type Logger } from "../base/index.ts";
import type { ContextDefaults, HostConfig } from "../config/index.ts";
import { Context, type ContextDeps } from "./context.ts";
import { welcomePage } from "./error-page.ts";
import { DuplicateContextError } from "./errors.ts";
import { Mapper } from "./mapper.ts";
import { chainValves, createValves, type RequestStep } from "./pipeline.ts";
import type { Request } from "./request.ts";
import { scanAppBase } from "./webapp/app-base.ts";

export interface HostOptions {
  readonly config: HostConfig;
  readonly jvmRoute: string | undefined;
  /** The folder that a relative appBase is relative to. */
  readonly baseFolder: string;
}

export class Host implements Lifecycle {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly appBase: string;
  readonly #deps: ContextDeps;
  readonly #options: HostOptions;
  readonly #logger: Logger;
  readonly #contexts = new Mapper<Context>();
  readonly #chain: RequestStep;

  /** Throws for a valve of an unknown class and for two contexts with one path. */
  constructor(deps: ContextDeps, options: HostOptions) {
    const { config } = options;
    this.name = config.name;
    this.aliases = config.aliases;
    this.appBase = resolve(options.baseFolder, config.appBase);
    this.#deps = deps;
    this.#options = options;
    this.#logger = deps.logger.child({ host: config.name });
    const place = { container: "Host", name: config.name, jvmRoute: options.jvmRoute } as const;
    const valves = createValves([...config.valves, ...(config.cluster?.valves ?? [])], deps.valveFactories, place);
    this.#chain = chainValves(valves, (request) => this.#serve(request));
    for (const context of config.contexts) this.#addContext(context.path, context.docBase, context, context.valves);
  }

  get contexts(): Iterable<Context> {
    return this.#contexts.values();
  }

  /** The context for a decoded path, whatever its state. */
  findContext(decodedUri: string): Context | undefined {
    return this.#contexts.find(decodedUri);
  }

  /** Deploys what lies in appBase, when configured, and starts all contexts at once; those that fail answer 503. */
  async start(): Promise<void> {
    if (this.#options.config.deployOnStartup) await this.#deployAppBase();
    await Promise.all(Array.from(this.contexts, (context) => context.start()));
  }

  async stop(): Promise<void> {
    const results = await Promise.allSettled(Array.from(this.contexts, (context) => context.stop()));
    const errors = results.filter((result) => result.status === "rejected").map((result) => asError(result.reason));
    if (errors.length > 0) throw new AggregateError(errors, `Contexts of host "${this.name}" failed to stop`);
  }

  invoke(request: Request): void {
    this.#chain(request);
  }

  async #deployAppBase(): Promise<void> {
    const taken = new Set(Array.from(this.contexts, (context) => context.docBase));
    for (const found of await scanAppBase(this.appBase, this.#logger)) {
      if (taken.has(found.docBase) || this.#contexts.get(found.path)) continue;
      this.#addContext(found.path, found.docBase, this.#options.config.defaultContext, []);
    }
  }

  #addContext(path: string, docBase: string, defaults: ContextDefaults, valves: HostConfig["valves"]): void {
    if (this.#contexts.get(path)) throw new DuplicateContextError(this.name, path);
    const options = { host: this, path, docBase: resolve(this.appBase, docBase), jvmRoute: this.#options.jvmRoute, defaults, valves };
    this.#contexts.add(path, new Context(this.#deps, options));
  }

  #serve(request: Request): void {
    if (request.context) request.context.invoke(request);
    else if (request.decodedUri === "") request.answer(400, "The path of the request cannot be read.");
    else if (this.#contexts.size === 0 && request.decodedUri === "/") request.answerPage(200, welcomePage(this.appBase));
    else request.answer(404, "No application of this server has this path.");
  }
}
