// The Secrets of the channel's keys. Made with POST alone, never applied, never changed: a stale cache can replace none.
import type { TomcatCluster } from "../../api/index.ts";
import type { Clock, Random } from "../../base/index.ts";
import { isApiError, type KubeClient, type KubeObject, RESOURCES } from "../../kube/index.ts";
import { CHANNEL_KEY_BYTES, channelSecretName, desiredChannelSecret } from "../desired/index.ts";
import { isControlledBy } from "./applied-object.ts";

/** A key that is older is replaced. */
const KEY_LIFE_MS = 30 * 24 * 3_600_000;
/** A Secret that was there is looked for again after this time: nobody tells when one goes. */
const LOOK_AGAIN_MS = 600_000;

type Client = Pick<KubeClient, "find" | "create" | "delete">;

interface Seen {
  /** Monotonic. */
  readonly atMs: number;
  readonly createdMs: number;
}

export class ChannelKeys {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #client: Client;
  /** By uid of the cluster, then generation: the Secret as it was last there. */
  readonly #seen = new Map<string, Map<number, Seen>>();

  constructor(deps: { readonly clock: Clock; readonly random: Random; readonly client: Client }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#client = deps.client;
  }

  /** Returns an object of somebody else that has the Secret's name, or undefined when the Secret is there. */
  async ensure(cluster: TomcatCluster, uid: string, generation: number, signal: AbortSignal): Promise<KubeObject | undefined> {
    const seen = this.#seen.get(uid) ?? new Map<number, Seen>();
    const before = seen.get(generation);
    if (before !== undefined && this.#clock.monotonic() - before.atMs < LOOK_AGAIN_MS) return undefined;
    const secret = (await this.#find(cluster, generation, signal)) ?? (await this.#create(cluster, uid, generation, signal));
    if (!isControlledBy(secret, uid)) return secret;
    const { creationTimestamp } = secret.metadata;
    const createdMs = creationTimestamp === undefined ? this.#clock.now() : Date.parse(creationTimestamp);
    this.#seen.set(uid, seen.set(generation, { atMs: this.#clock.monotonic(), createdMs }));
    return undefined;
  }

  /** Whether the key has been in use for 30 days. */
  isOld(uid: string, generation: number): boolean {
    const createdMs = this.#seen.get(uid)?.get(generation)?.createdMs;
    return createdMs !== undefined && this.#clock.now() - createdMs >= KEY_LIFE_MS;
  }

  /** Deletes the Secret of a key that no worker accepts any more. */
  async drop(cluster: TomcatCluster, uid: string, generation: number, signal: AbortSignal): Promise<void> {
    this.#seen.get(uid)?.delete(generation);
    const secret = await this.#find(cluster, generation, signal);
    if (secret === undefined || !isControlledBy(secret, uid)) return;
    await this.#client.delete(RESOURCES.Secret, secret.metadata, { uid: secret.metadata.uid, signal });
  }

  /** The cluster is gone. */
  forget(uid: string): void {
    this.#seen.delete(uid);
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
