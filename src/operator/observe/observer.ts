// Everything that a reconcile looks at, read once, as one value that nothing changes any more.
import { ManifestError, parseTomcatCluster, type TomcatCluster, type TomcatClusterStatus } from "../../api/index.ts";
import { ApiError, type KubeObject, type ObjectRef, type ObjectView, refOf } from "../../kube/index.ts";
import { PAUSED_ANNOTATION } from "../annotations.ts";
import { isControlledBy } from "../apply/applied-object.ts";
import { OWNER_INDEX, type OwnedObjects } from "../apply/owned-objects.ts";
import { balancerName, type ResolvedReferences, statefulSetName } from "../desired/index.ts";
import type { BalancerFacts } from "../status/find-state.ts";
import { type Obstacle, obstacleOf } from "../status/obstacle.ts";
import type { References } from "./references.ts";
import {
  balancerFacts,
  type Deployment,
  type Pod,
  type StatefulSet,
  type WorkerPod,
  type WorkerSet,
  workerPod,
  workerSet,
} from "./worker-pods.ts";
import { askWorkers, type GetText, type NoAnswer, type WorkerView } from "./worker-view.ts";

/** As the API server has it. */
export interface TomcatClusterObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: TomcatClusterStatus;
}

export interface Observed {
  readonly object: TomcatClusterObject;
  readonly uid: string;
  /** Undefined where the spec cannot be read. */
  readonly cluster: TomcatCluster | undefined;
  /** What keeps the spec from being carried out. */
  readonly obstacle: Obstacle | undefined;
  /** Why it was not carried out this time, which may pass by itself. */
  readonly failure: Error | undefined;
  readonly references: ResolvedReferences;
  readonly set: WorkerSet | undefined;
  readonly pods: readonly WorkerPod[];
  readonly balancers: BalancerFacts;
  /** Of the ready workers. */
  readonly answers: readonly (WorkerView | NoAnswer)[];
  /** Of workers that were ready and are not now. */
  readonly faltering: readonly (WorkerView | NoAnswer)[];
  readonly pausedBy: "PausedBySpec" | "PausedByAnnotation" | undefined;
}

export interface ObserverDeps {
  readonly references: Pick<References, "read">;
  /** The newest state that this process knows of. */
  readonly findCluster: (ref: ObjectRef) => TomcatClusterObject | undefined;
  readonly owned: OwnedObjects;
  readonly pods: readonly { readonly objects: ObjectView<Pod> }[];
  readonly getText: GetText;
}

const NO_BALANCERS: BalancerFacts = { wanted: 0, available: 0, isUpdated: false };
const NO_REFERENCES: ResolvedReferences = { digests: { workers: "", balancers: "" }, serverXml: undefined, missing: undefined };

export class Observer {
  readonly #deps: ObserverDeps;

  constructor(deps: ObserverDeps) {
    this.#deps = deps;
  }

  /** Undefined when the cluster is gone, or going: what it owns goes with it. */
  async observe(key: string, signal: AbortSignal): Promise<Observed | undefined> {
    const ref = refOf(key);
    const object = this.#deps.findCluster(ref);
    if (object?.metadata.uid === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
    const { cluster, obstacle: invalid } = parse(object);
    const { uid } = object.metadata;
    const { references, obstacle: missing, failure } = await this.#references(cluster, object, signal);
    const set = await this.#find<StatefulSet>("StatefulSet", object, statefulSetName(object), signal);
    const balancers = await this.#find<Deployment>("Deployment", object, balancerName(object), signal);
    const pods = set?.metadata.uid === undefined ? [] : this.#podsOf(set.metadata.uid);
    const [answers, faltering] = await Promise.all([this.#ask(pods, true, signal), this.#ask(pods, false, signal)]);
    return {
      object,
      uid,
      cluster,
      obstacle: invalid ?? missing,
      failure,
      references,
      set: set && workerSet(set),
      pods,
      balancers: balancers ? balancerFacts(balancers) : NO_BALANCERS,
      answers,
      faltering,
      pausedBy: pausedBy(object, cluster),
    };
  }

  /** Without them when they cannot be read: nothing may be written then. */
  async #references(
    cluster: TomcatCluster | undefined,
    object: TomcatClusterObject,
    signal: AbortSignal,
  ): Promise<Pick<Observed, "references" | "obstacle" | "failure">> {
    const found = { references: NO_REFERENCES, obstacle: undefined, failure: undefined };
    if (cluster === undefined) return found;
    try {
      const references = await this.#deps.references.read(cluster, object, signal);
      if (references.missing === undefined) return { ...found, references };
      return { ...found, references, obstacle: { reason: "ReferenceMissing", message: references.missing } };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const obstacle = obstacleOf(error);
      return { ...found, obstacle, failure: obstacle ? undefined : error };
    }
  }

  /** Only what belongs to the cluster. */
  async #find<T extends KubeObject>(kind: string, { metadata }: KubeObject, name: string, signal: AbortSignal): Promise<T | undefined> {
    const found = await this.#deps.owned.find(kind, { namespace: metadata.namespace, name }, signal);
    return found !== undefined && isControlledBy(found, metadata.uid!) ? (found as T) : undefined;
  }

  #ask(pods: readonly WorkerPod[], isReady: boolean, signal: AbortSignal): Promise<readonly (WorkerView | NoAnswer)[]> {
    const asked = pods.filter((pod) => pod.hasServed && !pod.isTerminating && pod.isReady === isReady);
    return askWorkers(this.#deps.getText, asked, signal);
  }

  #podsOf(setUid: string): readonly WorkerPod[] {
    return this.#deps.pods.flatMap(({ objects }) => objects.byIndex(OWNER_INDEX, setUid)).map(workerPod);
  }
}

function parse(object: TomcatClusterObject): { readonly cluster?: TomcatCluster; readonly obstacle?: Obstacle } {
  try {
    return { cluster: parseTomcatCluster(object) };
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return { obstacle: { reason: "InvalidSpec", message: error.message } };
  }
}

function pausedBy({ metadata }: TomcatClusterObject, cluster: TomcatCluster | undefined): Observed["pausedBy"] {
  if (metadata.annotations?.[PAUSED_ANNOTATION] === "true") return "PausedByAnnotation";
  return cluster?.spec.updatePolicy.paused === true ? "PausedBySpec" : undefined;
}
