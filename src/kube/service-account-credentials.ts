// Who a pod is to the API server: its service account, from the files that the kubelet mounts. Pods load no client-node for it, which takes
// 50 MB of memory and half a second: it reads kubeconfigs, and a pod has none.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, fileErrorReason } from "../base/index.ts";
import { type Access, type Credentials, REFRESH_MS } from "./credentials.ts";
import { CredentialsError } from "./errors.ts";

export interface ServiceAccountOptions {
  /** "https://10.96.0.1:443" */
  readonly server: string;
  /** Folder of token, ca.crt and namespace. */
  readonly directory: string;
}

export class ServiceAccountCredentials implements Credentials {
  /** Of the pod. */
  readonly namespace: string;
  readonly #clock: Clock;
  readonly #options: ServiceAccountOptions;
  #access: Promise<Access> | undefined;
  #accessMs = 0;

  /** Throws CredentialsError. */
  constructor(deps: { readonly clock: Clock }, options: ServiceAccountOptions) {
    this.#clock = deps.clock;
    this.#options = options;
    const file = join(options.directory, "namespace");
    try {
      this.namespace = readFileSync(file, "utf8").trim();
    } catch (error) {
      throw unreadable(file, error);
    }
  }

  /** Files are read every 10 s: the kubelet replaces a token long before it ends. */
  access(): Promise<Access> {
    const nowMs = this.#clock.monotonic();
    if (this.#access === undefined || nowMs - this.#accessMs >= REFRESH_MS) {
      this.#accessMs = nowMs;
      this.#access = this.#read();
      // Whoever waits for it sees the failure; the next one tries again.
      this.#access.catch(() => {
        this.#access = undefined;
      });
    }
    return this.#access;
  }

  refused(): void {
    // What was read less than ten seconds ago is what there is.
  }

  async #read(): Promise<Access> {
    const [token, ca] = await Promise.all([this.#file("token"), this.#file("ca.crt")]);
    return { server: this.#options.server, headers: { Authorization: `Bearer ${token}` }, tls: { ca } };
  }

  async #file(name: string): Promise<string> {
    const file = join(this.#options.directory, name);
    try {
      return (await readFile(file, "utf8")).trim();
    } catch (error) {
      throw unreadable(file, error);
    }
  }
}

function unreadable(file: string, error: unknown): CredentialsError {
  return new CredentialsError(`"${file}" cannot be read: ${fileErrorReason(error)}`, { cause: error });
}
