// Who we are to the API server and how it proves itself: what a kubeconfig says, by client-node, which knows all its ways.
import type { RequestOptions } from "node:https";
import { createRequire } from "node:module";
import type { ConnectionOptions } from "node:tls";
import type { KubeConfig } from "@kubernetes/client-node";
import { asError, type Clock } from "../base/index.ts";
import { CredentialsError } from "./errors.ts";

/** What proves who is who on the connection. */
export type Certificates = Pick<ConnectionOptions, "ca" | "cert" | "key" | "passphrase" | "rejectUnauthorized" | "servername">;

export interface Access {
  /** "https://10.96.0.1:443", with a path where the API is below one. */
  readonly server: string;
  /** Authorization, Impersonate-User. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Certificates;
  readonly proxyUrl?: string;
}

/** Where requests take their access from, each time anew. */
export interface Credentials {
  /** Cheap enough for every request. Rejects with CredentialsError. */
  access(): Promise<Access>;
  /** One side did not accept the other: the next access is read anew from its source, unless that was done a moment ago. */
  refused(): void;
}

export interface KubeConfigOptions {
  /** A file. Default: what KUBECONFIG names, ~/.kube/config, else the service account of this pod. */
  readonly kubeconfig?: string;
}

/** Files and tokens are looked at again after this time: a mounted token is replaced long before it ends. */
export const REFRESH_MS = 10_000;
/** How client-node names what it falls back to, an API server on localhost without TLS: nobody means that. */
const FALLBACK_CONTEXT = "loaded-context";

export class KubeConfigCredentials implements Credentials {
  readonly #clock: Clock;
  readonly #options: KubeConfigOptions;
  #config: KubeConfig;
  #loadedMs: number;
  #isRefused = false;
  #access: Promise<Access> | undefined;
  #accessMs = 0;

  /** Throws CredentialsError. */
  constructor(deps: { readonly clock: Clock }, options: KubeConfigOptions = {}) {
    this.#clock = deps.clock;
    this.#options = options;
    this.#config = load(options);
    this.#loadedMs = deps.clock.monotonic();
  }

  /** The namespace of the service account, or of the kubeconfig's context. */
  get namespace(): string | undefined {
    return this.#config.getContextObject(this.#config.getCurrentContext())?.namespace;
  }

  access(): Promise<Access> {
    const nowMs = this.#clock.monotonic();
    if (this.#access === undefined || nowMs - this.#accessMs >= REFRESH_MS) {
      this.#accessMs = nowMs;
      this.#access = this.#read(nowMs);
      // Whoever waits for it sees the failure; the next one tries again.
      this.#access.catch(() => {
        this.#access = undefined;
      });
    }
    return this.#access;
  }

  refused(): void {
    if (this.#clock.monotonic() - this.#loadedMs < REFRESH_MS) return;
    this.#isRefused = true;
    this.#access = undefined;
  }

  async #read(nowMs: number): Promise<Access> {
    if (this.#isRefused) {
      this.#config = load(this.#options);
      this.#loadedMs = nowMs;
      this.#isRefused = false;
    }
    return read(this.#config);
  }
}

const require = createRequire(import.meta.url);

function load({ kubeconfig }: KubeConfigOptions): KubeConfig {
  // Only now: see ServiceAccountCredentials.
  const clientNode = require("@kubernetes/client-node") as typeof import("@kubernetes/client-node");
  const config = new clientNode.KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new CredentialsError(asError(error).message, { cause: error });
  }
  if (config.getCurrentContext() === FALLBACK_CONTEXT) throw new CredentialsError("there is no kubeconfig and no service account");
  if (config.getCurrentCluster() === null) {
    throw new CredentialsError(`the kubeconfig has no cluster for its current context "${config.getCurrentContext()}"`);
  }
  return config;
}

async function read(config: KubeConfig): Promise<Access> {
  const options: RequestOptions = {};
  const cluster = config.getCurrentCluster()!;
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    throw new CredentialsError(asError(error).message, { cause: error });
  }
  // What else stands there is an agent of client-node's own: its connections are not used.
  const { headers = {}, auth, ca, cert, key, passphrase, rejectUnauthorized, servername } = options;
  const authorization = typeof auth === "string" ? { Authorization: `Basic ${Buffer.from(auth).toString("base64")}` } : {};
  return {
    server: cluster.server,
    headers: { ...(headers as Record<string, string>), ...authorization },
    tls: { ca, cert, key, passphrase, rejectUnauthorized, servername } as Certificates,
    ...(cluster.proxyUrl ? { proxyUrl: cluster.proxyUrl } : {}),
  };
}
