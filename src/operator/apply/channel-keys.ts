// The Secrets of the channel's keys. Made with POST alone, never applied, never changed: a stale cache can replace none.
import type { TomcatCluster } from "../../api/index.ts";
import type { Clock, Random } from "../../base/index.ts";
import { isApiError, type KubeClient, type KubeObject, RESOURCES } from "../../kube/index.ts";
import { CHANNEL_KEY_BYTES, channelSecretName, desiredChannelSecret } from "../desired/index.ts";
import { isControlledBy } from "./applied-object.ts";

/** A Secret that was there is looked for again after this time: nobody tells when one goes. */
const LOOK_AGAIN_MS = 600_000;

type Client = Pick<KubeClient, "find" | "create">;

export class ChannelKeys {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #client: Client;
  /** By uid of the cluster, then generation: when the Secret was last there. */
  readonly #seenMs = new Map<string, Map<number, number>>();

  constructor(deps: { readonly clock: Clock; readonly random: Random; readonly client: Client }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#client = deps.client;
  }

  /** Returns an object of somebody else that has the Secret's name, or undefined when the Secret is there. */
  async ensure(cluster: TomcatCluster, uid: string, generation: number, signal: AbortSignal): Promise<KubeObject | undefined> {
    const seen = this.#seenMs.get(uid) ?? new Map<number, number>();
    const seenMs = seen.get(generation);
    if (seenMs !== undefined && this.#clock.monotonic() - seenMs < LOOK_AGAIN_MS) return undefined;
    const secret = (await this.#find(cluster, generation, signal)) ?? (await this.#create(cluster, uid, generation, signal));
    if (!isControlledBy(secret, uid)) return secret;
    this.#seenMs.set(uid, seen.set(generation, this.#clock.monotonic()));
    return undefined;
  }

  /** The cluster is gone. */
  forget(uid: string): void {
    this.#seenMs.delete(uid);
  }

  async #find(cluster: TomcatCluster, generation: number, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { namespace } = cluster.metadata;
    const secret = await this.#client.find<KubeObject>(
      RESOURCES.Secret,
      { namespace, name: channelSecretName(cluster, generation) },
      { signal },
    );
    // The key itself is none of this process's business.
    return secret && { apiVersion: "v1", kind: "Secret", metadata: secret.metadata };
  }

  async #create(cluster: TomcatCluster, uid: string, generation: number, signal: AbortSignal): Promise<KubeObject> {
    const secret = desiredChannelSecret(cluster, { uid }, generation, this.#random.bytes(CHANNEL_KEY_BYTES)) as KubeObject;
    try {
      await this.#client.create(RESOURCES.Secret, secret, { signal });
      return secret;
    } catch (error) {
      const other = isApiError(error, "AlreadyExists") ? await this.#find(cluster, generation, signal) : undefined;
      if (other === undefined) throw error;
      return other;
    }
  }
}
