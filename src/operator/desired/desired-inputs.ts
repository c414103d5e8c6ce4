// What the objects depend on beside the manifest: it was looked up, chosen or counted by somebody else.
import type { Defaults } from "./defaults.ts";

export interface DesiredInputs {
  /** Of the revision that status.defaultsRevision pins. */
  readonly defaults: Defaults;
  /** The operator's image as status.image pins it: of the balancers, and of the workers where spec.image is unset. */
  readonly image: string;
  /** Namespace whose pods may read the management ports: the operator's own. */
  readonly operatorNamespace: string;
  /** metadata.uid of the TomcatCluster, for owner references; unset where it has none yet (render). */
  readonly uid?: string;
  /** Workers that shall exist now: spec.replicas, or more while some still drain. */
  readonly workers: number;
  readonly channelKeys: ChannelKeys;
  /** Digests of what the manifest names: a changed one rolls the pods. */
  readonly references: ReferenceDigests;
  /** Value of the annotation RESTART_ANNOTATION of the TomcatCluster: another one rolls the workers. */
  readonly restart?: string;
  /** The text that spec.configuration.serverXml names; unset where it names none. */
  readonly serverXml?: OwnServerXml;
  /** Kinds of objects that are only made where the API server knows them. */
  readonly knownKinds: readonly OptionalKind[];
}

/** Generations of the channel's key, from 1; the Secret of each is `channelSecretName`. */
export interface ChannelKeys {
  /** The oldest that workers accept. They accept the one after it too, as soon as its Secret is there. */
  readonly oldest: number;
  /** The one that workers send with: `oldest`, or the one after it. */
  readonly sending: number;
}

export interface ReferenceDigests {
  /** Of what `workerReferences` names; "" for nothing. */
  readonly workers: string;
  readonly balancers: string;
}

export interface OwnServerXml {
  /** How errors call it, "ConfigMap shop, key server.xml". */
  readonly file: string;
  readonly text: string;
}

export const OPTIONAL_KINDS = ["PodMonitor", "PrometheusRule"] as const;
export type OptionalKind = (typeof OPTIONAL_KINDS)[number];
