// The API server as a pod reaches it: with the mounted service account over node:https. For the data plane, which does not load client-node.
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { asError, type Clock, type Random, TomcatClusterError } from "../base/index.ts";
import { ApiConnectionError, ApiRefusalError, ApiSilenceError } from "./errors.ts";
import { type KubeObject, ListWatch, type ReadOptions, type Selection, type WatchListener } from "./list-watch.ts";
import { ServiceAccount } from "./service-account.ts";

export interface ApiServerOptions {
  /** "https://10.96.0.1:443". */
  readonly url: string;
  /** Folder of token, ca.crt and namespace. */
  readonly serviceAccountDirectory: string;
}

/** A peer whose machine is gone is found by the kernel: after 10 s without a packet it asks each second, ten times. */
const KEEP_ALIVE_MS = 10_000;
/** Of an answer that is a refusal. */
const MAX_REFUSAL_BYTES = 65_536;
const MAX_REASON_CHARACTERS = 300;
const MAX_RETRY_AFTER_SECONDS = 60;

export class ApiServer {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #url: string;
  readonly #account: ServiceAccount;

  constructor(deps: { readonly clock: Clock; readonly random: Random }, options: ApiServerOptions) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#url = options.url;
    this.#account = new ServiceAccount(options.serviceAccountDirectory);
  }

  /** The namespace of this pod. Rejects with ServiceAccountError. */
  namespace(): Promise<string> {
    return this.#account.namespace();
  }

  /** All objects of a collection, and what changes, told to `listener` until the result is stopped. Whatever fails is tried again. */
  watchList<T extends KubeObject>(selection: Selection, listener: WatchListener<T>): ListWatch<T> {
    return new ListWatch<T>({ clock: this.#clock, random: this.#random, reader: this }, selection, listener);
  }

  /**
   * The body of a 200, which has to be read to its end or given up. Rejects, as reading does, with ServiceAccountError, ApiConnectionError,
   * ApiRefusalError or ApiSilenceError. Every read has a connection of its own: there is one in some minutes.
   */
  async read(path: string, options: ReadOptions): Promise<AsyncIterable<Buffer>> {
    const [token, ca] = await Promise.all([this.#account.token(), this.#account.authorities()]);
    const headers = { Accept: "application/json", Authorization: `Bearer ${token}`, "User-Agent": "tomcat-cluster" };
    const request = httpsRequest(new URL(path, this.#url), { agent: false, ca, headers, signal: options.signal });
    request.setSocketKeepAlive(true, KEEP_ALIVE_MS);
    const timer = this.#clock.setTimeout(() => request.destroy(new ApiSilenceError(path, options.answerMs)), options.answerMs);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve);
      // Stays: a connection that breaks later tells the request too.
      request.on("error", (error) => reject(wrapped(path, error)));
      request.end();
    }).finally(() => timer.cancel());
    const body = this.#withoutSilence(response, path, options.silenceMs);
    if (response.statusCode === 200) return body;
    throw await refusalOf(path, response, body);
  }

  async *#withoutSilence(response: IncomingMessage, path: string, silenceMs: number): AsyncGenerator<Buffer, void, undefined> {
    const wait = () => this.#clock.setTimeout(() => response.destroy(new ApiSilenceError(path, silenceMs)), silenceMs);
    let timer = wait();
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        timer.cancel();
        yield chunk;
        timer = wait();
      }
    } catch (error) {
      throw wrapped(path, asError(error));
    } finally {
      timer.cancel();
      response.destroy();
    }
  }
}

function wrapped(path: string, error: Error): TomcatClusterError {
  return error instanceof TomcatClusterError ? error : new ApiConnectionError(path, error);
}

async function refusalOf(path: string, response: IncomingMessage, body: AsyncIterable<Buffer>): Promise<ApiRefusalError> {
  const seconds = Math.min(Number(response.headers["retry-after"]) || 0, MAX_RETRY_AFTER_SECONDS);
  let text = "";
  for await (const chunk of body) {
    text += chunk.toString("utf8");
    if (text.length > MAX_REFUSAL_BYTES) break;
  }
  return new ApiRefusalError(path, response.statusCode!, reasonOf(text), seconds * 1000);
}

/** A metav1.Status says it in `message`; a proxy in front says it in its own way. */
function reasonOf(text: string): string {
  let message: unknown;
  try {
    message = (JSON.parse(text) as { message?: unknown } | null)?.message;
  } catch {
    message = text; // not from the API server itself
  }
  return typeof message === "string" ? message.slice(0, MAX_REASON_CHARACTERS).trim() : "";
}
