// One web application: its folder, its sessions, its valves and the listener that answers (Tomcat: StandardContext).
import { asError, type Clock, delay, type Lifecycle, type Logger } from "../base/index.ts";
import type { ComponentConfig, ContextDefaults } from "../config/index.ts";
import { cookieAttributes, type SessionIdOptions, setCookie } from "../protocol/index.ts";
import { presentToApplication } from "./application-request.ts";
import { ApplicationLoadError } from "./errors.ts";
import type { Host } from "./host.ts";
import { chainValves, createValves, type RequestStep, type ValveFactory } from "./pipeline.ts";
import type { Request } from "./request.ts";
import { withTrailingSlash } from "./request-target.ts";
import type { Manager } from "./session/manager.ts";
import { type ApplicationDescriptor, describeApplication } from "./webapp/application-descriptor.ts";
import { loadListener, type RequestListener } from "./webapp/load-listener.ts";
import { loadingAs } from "./webapp/loading-application.ts";
import { AttributeStorage } from "./webapp/session-storage.ts";

export const CONTEXT_STATES = ["New", "Starting", "Started", "Failed", "Stopping", "Stopped"] as const;
export type ContextState = (typeof CONTEXT_STATES)[number];

export interface ContextDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly valveFactories: ReadonlyMap<string, ValveFactory>;
  /** Called once, while the context starts: `distributable` and `sessionTimeoutSeconds` are known then. */
  readonly managerFactory: (context: Context) => Manager;
}

export interface ContextOptions {
  readonly host: Host;
  /** "" for the root application, else "/shop". */
  readonly path: string;
  /** Absolute path of the folder. */
  readonly docBase: string;
  readonly jvmRoute: string | undefined;
  readonly defaults: ContextDefaults;
  readonly valves: readonly ComponentConfig[];
}

/** An application whose module has not finished loading after this time has failed. */
const LOAD_TIMEOUT_MS = 60_000;
const PATH_PARAMETER = "jsessionid";
/** Context names of listeners whose modules opened a session storage. */
const storageOwners = new WeakMap<RequestListener, string>();

export class Context implements Lifecycle {
  readonly host: Host;
  readonly path: string;
  /** Host and path, "localhost#/shop": the name of its manager too (ha.md 1). */
  readonly name: string;
  readonly docBase: string;
  readonly jvmRoute: string | undefined;
  readonly defaults: ContextDefaults;
  readonly cookieLookUp: SessionIdOptions;
  readonly #deps: ContextDeps;
  readonly #logger: Logger;
  readonly #segments: number;
  readonly #cookieAttributes: string;
  readonly #secureCookieAttributes: string;
  readonly #chain: RequestStep;
  #state: ContextState = "New";
  #failure: Error | undefined;
  #application: ApplicationDescriptor | undefined;
  #listener: RequestListener | undefined;
  #manager: Manager | undefined;
  /** Whether the application's own session package keeps its sessions here, and has `req.session`. */
  #ownSession = false;
  #parameterLookUp: SessionIdOptions | undefined;

  /** Throws for a valve of an unknown class. */
  constructor(deps: ContextDeps, options: ContextOptions) {
    this.host = options.host;
    this.path = options.path;
    this.name = `${options.host.name}#${options.path}`;
    this.docBase = options.docBase;
    this.jvmRoute = options.jvmRoute;
    this.defaults = options.defaults;
    this.#deps = deps;
    this.#logger = deps.logger.child({ context: this.name });
    this.#segments = options.path === "" ? 0 : options.path.split("/").length - 1;
    const { sessionCookieName, sessionCookiePath, sessionCookieDomain, useHttpOnly, sameSiteCookies } = options.defaults;
    this.cookieLookUp = { cookie: sessionCookieName, pathParameter: undefined };
    const attributes = {
      path: sessionCookiePath ?? (options.path === "" ? "/" : options.path),
      domain: sessionCookieDomain,
      httpOnly: useHttpOnly,
      sameSite: sameSiteCookies,
    };
    this.#cookieAttributes = cookieAttributes(attributes);
    this.#secureCookieAttributes = cookieAttributes({ ...attributes, secure: true });
    const place = { container: "Context", name: this.name, jvmRoute: options.jvmRoute } as const;
    const valves = createValves(options.valves, deps.valveFactories, place);
    this.#chain = chainValves(valves, (request) => this.#serve(request));
  }

  get state(): ContextState {
    return this.#state;
  }

  /** Why the context failed to start. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** What keeps the sessions; undefined before the context starts and when it failed before it had one. */
  get manager(): Manager | undefined {
    return this.#manager;
  }

  /** Whether the cluster's manager is to keep the sessions: server.xml decides, else the application, whose default is true. */
  get distributable(): boolean {
    return this.defaults.distributable ?? this.#application?.distributable ?? true;
  }

  /** maxInactiveInterval of new sessions: the application decides, else server.xml. */
  get sessionTimeoutSeconds(): number {
    return this.#application?.sessionTimeoutSeconds ?? this.defaults.sessionTimeoutSeconds;
  }

  /** How to find an id in the path; undefined when the path is not searched. */
  get parameterLookUp(): SessionIdOptions | undefined {
    return this.#parameterLookUp;
  }

  /** Why the context does not serve, in a few words, or undefined. */
  notReadyReason(): string | undefined {
    if (this.#state === "Started") return undefined;
    if (this.#state === "Failed") return `context "${this.name}" failed to start: ${this.#failure?.message ?? "unknown reason"}`;
    return `context "${this.name}" is ${this.#state.toLowerCase()}`;
  }

  /** Loads the application, then starts the manager. Does not reject: a context that fails answers 503, and others serve. */
  async start(): Promise<void> {
    this.#state = "Starting";
    try {
      this.#application = await describeApplication(this.docBase);
      if (this.#application.sessionPathParameter) {
        this.#parameterLookUp = { cookie: this.defaults.sessionCookieName, pathParameter: PATH_PARAMETER };
      }
      this.#listener = await this.#load(this.#application);
      const manager = this.#deps.managerFactory(this);
      await manager.start();
      this.#manager = manager;
      this.#state = "Started";
      this.#logger.info({ docBase: this.docBase, distributable: this.distributable }, "Context started");
    } catch (error) {
      this.#failure = asError(error);
      this.#state = "Failed";
      this.#logger.error({ err: error, docBase: this.docBase }, "Context failed to start");
    }
  }

  async stop(): Promise<void> {
    this.#state = "Stopping";
    try {
      await this.#manager?.stop();
    } finally {
      this.#state = "Stopped";
    }
  }

  invoke(request: Request): void {
    if (this.#state !== "Started") {
      request.answer(503, "This application is not available at the moment.", { "Retry-After": "10" });
    } else if (request.decodedUri === this.path && this.path !== "" && isRead(request)) {
      request.answer(302, "The application begins one slash further.", { Location: withTrailingSlash(request.originalUrl) });
    } else {
      this.#chain(request);
    }
  }

  /** The Set-Cookie field for a session of this application. */
  sessionCookie(sessionId: string, secure: boolean): string {
    return setCookie(this.cookieLookUp.cookie, sessionId, secure ? this.#secureCookieAttributes : this.#cookieAttributes);
  }

  async #load(application: ApplicationDescriptor): Promise<RequestListener> {
    const loading = {
      contextName: this.name,
      openSessionStorage: (attribute: string) => {
        this.#ownSession = true;
        return new AttributeStorage(attribute, () => this.#manager);
      },
    };
    const listener = await loadingAs(loading, () => this.#loadInTime(application));
    const owner = storageOwners.get(listener);
    if (owner !== undefined && !this.#ownSession) {
      throw new ApplicationLoadError(
        `"${application.main}" is loaded as "${owner}" already, which has its sessions; deploy a copy of the folder`,
      );
    }
    if (this.#ownSession) storageOwners.set(listener, this.name);
    return listener;
  }

  async #loadInTime(application: ApplicationDescriptor): Promise<RequestListener> {
    const timeout = new AbortController();
    try {
      return await Promise.race([
        loadListener(application),
        delay(this.#deps.clock, LOAD_TIMEOUT_MS, timeout.signal).then(() => {
          throw new ApplicationLoadError(`"${application.main}" did not finish loading within ${LOAD_TIMEOUT_MS / 1000} s`);
        }),
      ]);
    } finally {
      timeout.abort();
    }
  }

  #serve(request: Request): void {
    presentToApplication(request, {
      contextPath: this.path,
      segments: this.#segments,
      hiddenParameter: this.#parameterLookUp?.pathParameter,
      ownSession: this.#ownSession,
    });
    let result: unknown;
    try {
      result = this.#listener!(request.req, request.res);
    } catch (error) {
      request.fail(error);
      return;
    }
    if (isThenable(result)) result.then(undefined, (error: unknown) => request.fail(error));
  }
}

function isRead(request: Request): boolean {
  return request.req.method === "GET" || request.req.method === "HEAD";
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
