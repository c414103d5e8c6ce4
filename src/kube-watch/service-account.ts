// The service account of a pod, as the kubelet mounts it: who the pod is to the API server, and by what it knows that server.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileErrorReason, TomcatClusterError } from "../base/index.ts";

/** A file of the service account cannot be read. */
export class ServiceAccountError extends TomcatClusterError {
  readonly code = "SERVICE_ACCOUNT";
  /** The kubelet may be about to write it. */
  override readonly retryable = true;

  constructor(file: string, reason: string, options: ErrorOptions) {
    super(
      `The service account's file "${file}" cannot be read: ${reason}. Does the pod have automountServiceAccountToken: false?`,
      options,
    );
  }
}

/** Files are read each time: the kubelet replaces a token long before it ends, and a CA when it changes. */
export class ServiceAccount {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Of the pod. Rejects with ServiceAccountError, as do the others. */
  namespace(): Promise<string> {
    return this.#read("namespace");
  }

  token(): Promise<string> {
    return this.#read("token");
  }

  /** PEM, one certificate or several. */
  authorities(): Promise<string> {
    return this.#read("ca.crt");
  }

  async #read(name: string): Promise<string> {
    const file = join(this.#directory, name);
    try {
      return (await readFile(file, "utf8")).trim();
    } catch (error) {
      throw new ServiceAccountError(file, fileErrorReason(error), { cause: error });
    }
  }
}
