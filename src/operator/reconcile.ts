// The story of a TomcatCluster: observe, plan, write what is desired, let a worker go, tell the status. Level-based: it asks what is, never
// what has happened, and does nothing where nothing is to be done.
import type { TomcatCluster } from "../api/index.ts";
import type { Clock, Logger } from "../base/index.ts";
import { ApiError, EvictionBlockedError, isApiError, type KubeClient, type KubeObject, secondTime } from "../kube/index.ts";
import { FORCE_ROLL_ANNOTATION, ROTATE_KEY_ANNOTATION } from "./annotations.ts";
import { describeObject } from "./apply/applied-object.ts";
import type { ChannelKeys } from "./apply/channel-keys.ts";
import { clashesIn, findObjects, writeObjects } from "./apply/object-writer.ts";
import type { OwnedObjects } from "./apply/owned-objects.ts";
import { type StatusWriterDeps, writeStatus } from "./apply/status-writer.ts";
import type { ClusterMetrics } from "./cluster-metrics.ts";
import type { ReconcileResult } from "./controller/index.ts";
import { type DesireOptions, desire, offeredPins } from "./desire.ts";
import type { Observed, Observer } from "./observe/observer.ts";
import { balancerFacts, type Deployment, type StatefulSet, type WorkerPod, workerSet } from "./observe/worker-pods.ts";
import { generationsOf, planRotation, type Rotation, rotationOf } from "./roll/plan-rotation.ts";
import { planUpdate, type Update, updateOf } from "./roll/plan-update.ts";
import { groupStateOf, type Plan, type PlanInput, planWorkers, progressOf } from "./roll/plan-workers.ts";
import type { ProgressWatch } from "./roll/progress-watch.ts";
import type { UpdateTurns } from "./roll/update-turns.ts";
import { clusterStatus, type StatusInput } from "./status/cluster-status.ts";
import type { Findings } from "./status/conditions.ts";
import { type Facts, findState, isUnderWay } from "./status/find-state.ts";
import { type Obstacle, ObstacleError, obstacleOf } from "./status/obstacle.ts";
import type { Reason } from "./status/reasons.ts";

export interface ReconcilerDeps extends StatusWriterDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly client: Pick<KubeClient, "apply" | "applyStatus" | "delete" | "evict">;
  readonly observer: Observer;
  readonly owned: OwnedObjects;
  readonly keys: ChannelKeys;
  readonly progress: ProgressWatch;
  readonly turns: UpdateTurns;
  readonly metrics: Pick<ClusterMetrics, "told">;
}

/** Nobody tells when views or Secrets change. */
const LOOK_AGAIN_MS = 30_000;
const LOOK_AGAIN_SOON_MS = 2000;

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #options: DesireOptions;

  constructor(deps: ReconcilerDeps, options: DesireOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const before = await this.#deps.observer.observe(key, signal);
    if (before === undefined) return undefined;
    this.#deps.metrics.told(key, before.answers);
    const written = await this.#write(before, signal);
    const plan = planOf(written);
    const observed = isCarriedOut(written) && plan.evict !== undefined ? await this.#evict(written, plan.evict, signal) : written;
    const rotation = await this.#rotate(observed, signal);
    const facts = this.#facts(observed, plan);
    const findings = findState(facts);
    await this.#tell(observed, { ...facts, findings, rotation, update: this.#update(observed, findings) }, signal);
    if (observed.failure !== undefined) throw observed.failure;
    const isAwaited = plan.evict !== undefined || (plan.waitsFor !== undefined && plan.waitsFor !== "Paused");
    const isSplit = observed.answers.length > 0 && !groupStateOf(observed.answers, []).isWellFormed;
    // Only the workers' pages tell that they have read a key.
    const isRotating = rotation?.phase !== undefined && observed.pausedBy === undefined;
    return { requeueAfterMs: isAwaited || isSplit || isRotating ? LOOK_AGAIN_SOON_MS : LOOK_AGAIN_MS };
  }

  /** As observed, with what the writing has changed. */
  async #write(observed: Observed, signal: AbortSignal): Promise<Observed> {
    const { cluster, pausedBy } = observed;
    if (cluster === undefined || !isCarriedOut(observed) || pausedBy === "PausedByAnnotation") return observed;
    try {
      const applied = await this.#writeAll(observed, cluster, signal);
      const set = applied.find(({ kind }) => kind === "StatefulSet") as StatefulSet | undefined;
      const deployment = applied.find(({ kind }) => kind === "Deployment") as Deployment | undefined;
      return { ...observed, ...(set && { set: workerSet(set) }), ...(deployment && { balancers: balancerFacts(deployment) }) };
    } catch (error) {
      const met = obstacleOf(error);
      // The status says it, and the queue tries again.
      if (met === undefined && error instanceof ApiError && !isApiError(error, "Conflict")) return { ...observed, failure: error };
      if (met === undefined) throw error;
      this.#deps.logger.warn({ cluster: describeObject(observed.object), ...met }, "Cluster is stalled");
      return { ...observed, obstacle: met };
    }
  }

  async #writeAll(observed: Observed, cluster: TomcatCluster, signal: AbortSignal): Promise<readonly KubeObject[]> {
    const { client, owned, keys, logger } = this.#deps;
    const { uid, object } = observed;
    const desired = desire(observed, cluster, planOf(observed).workers, this.#options);
    const found = await findObjects(desired, owned, signal);
    refuseClashes(clashesIn(found, uid));
    for (const generation of isEncrypted(cluster) ? generationsOf(rotationOf(object.status)) : []) {
      refuseClashes([await keys.ensure(cluster, uid, generation, signal)].flatMap((other) => other ?? []));
    }
    const { applied, deleted } = await writeObjects(client, found, owned, { uid, signal });
    for (const one of applied) logger.info({ cluster: describeObject(object), object: describeObject(one) }, "Object applied");
    for (const one of deleted) logger.info({ cluster: describeObject(object), object: describeObject(one) }, "Object deleted");
    return applied;
  }

  /** As observed, with why it failed. */
  async #evict(observed: Observed, { name, uid }: WorkerPod, signal: AbortSignal): Promise<Observed> {
    const { client, events, logger } = this.#deps;
    const { object } = observed;
    const { namespace } = object.metadata;
    try {
      if (!(await client.evict({ namespace, name }, { uid, signal }))) return observed;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Its budget does not let it go now; or it is not the pod any more that was seen.
      if (!(error instanceof EvictionBlockedError) && !isApiError(error, "Conflict")) return { ...observed, failure: error };
      logger.info({ pod: `${namespace}/${name}`, because: error.message }, "Worker cannot be evicted now");
      return observed;
    }
    logger.info({ pod: `${namespace}/${name}` }, "Worker evicted");
    events.record(object, { type: "Normal", reason: "WorkerEvicted", message: `${name} leaves, and comes back with the new template` });
    return observed;
  }

  /** The step of the key's rotation that the status shall say: the next reconcile takes it. */
  async #rotate(observed: Observed, signal: AbortSignal): Promise<Rotation | undefined> {
    const { object, uid, cluster, pausedBy, set, pods, answers } = observed;
    if (cluster !== undefined && !isEncrypted(cluster)) return undefined;
    const rotation = rotationOf(object.status);
    if (cluster === undefined || !isCarriedOut(observed) || pausedBy !== undefined) return rotation;
    const { keys, events } = this.#deps;
    const isAskedFor = Number(object.metadata.annotations?.[ROTATE_KEY_ANNOTATION] ?? 0) > rotation.generation;
    const isDue = isAskedFor || keys.isOld(uid, rotation.generation);
    const next = planRotation({ rotation, isDue, set, pods, answers });
    if (next.phase === rotation.phase) return next;
    if (next.phase === undefined) await keys.drop(cluster, uid, next.generation - 1, signal);
    const reason: Reason = next.phase === undefined ? "KeyRotated" : "KeyRotating";
    events.record(object, { type: "Normal", reason, message: `Key ${next.generation}: ${next.phase ?? "in use alone"}` });
    return next;
  }

  /** The image and the defaults that the status shall say: the next reconcile takes them. */
  #update({ object, uid, cluster, obstacle, pausedBy }: Observed, findings: Findings): Update {
    const { turns, events } = this.#deps;
    const offered = offeredPins(this.#options);
    const update = updateOf(object.status, offered);
    // What a person has to mend first would keep the turn from everybody else.
    const mayBegin = obstacle === undefined || obstacle.reason === "RevisionUnknown";
    const next = planUpdate({
      update,
      offered,
      isAutomatic: cluster?.spec.updatePolicy.image === "Automatic" && pausedBy === undefined,
      isSettled: obstacle === undefined && findings.Reconciling.status === "False",
      takeTurn: () => mayBegin && turns.take(uid),
    });
    if (next.phase !== "Rolling") turns.end(uid, update.phase === "Rolling");
    const what = `${next.pins.image}, defaults ${next.pins.defaultsRevision}`;
    const tell = (reason: Reason) => events.record(object, { type: "Normal", reason, message: what });
    if (next.phase === "Rolling" && update.phase !== "Rolling") tell("Updating");
    if (next.phase === undefined && update.phase === "Rolling") tell("Updated");
    return next;
  }

  #facts(observed: Observed, plan: Plan): Facts {
    const { object, uid, cluster, obstacle, failure, set, pods, balancers, answers, pausedBy } = observed;
    const { namespace, name } = object.metadata;
    const updateRevision = set?.updateRevision;
    const forceCommand = `kubectl annotate tomcat -n ${namespace} ${name} ${FORCE_ROLL_ANNOTATION}=${updateRevision} --overwrite`;
    const wanted = cluster?.spec.replicas;
    const facts = { obstacle, failure, wanted, pods, updateRevision, plan, balancers, answers, pausedBy, isStuck: false, forceCommand };
    const wasStuck = object.status?.conditions?.some(({ type, status }) => type === "Degraded" && status === "True") ?? false;
    const progress = isUnderWay(facts) ? progressOf(planInput(observed)) : undefined;
    return { ...facts, isStuck: this.#deps.progress.isStuck(uid, progress, wasStuck) };
  }

  #tell({ object }: Observed, found: Facts & Pick<StatusInput, "findings" | "rotation" | "update">, signal: AbortSignal): Promise<void> {
    const status = clusterStatus({
      ...found,
      cluster: object,
      generation: object.metadata.generation ?? 0,
      previous: object.status?.conditions ?? [],
      now: secondTime(this.#deps.clock.now()),
    });
    return writeStatus(this.#deps, object, status, signal);
  }
}

function planOf(observed: Observed): Plan {
  return planWorkers(planInput(observed));
}

function planInput({ object, cluster, set, pods, answers, faltering, pausedBy }: Observed): PlanInput {
  return {
    // Where the spec cannot be read, or nothing may change, everything stays as it is.
    wanted: cluster === undefined || pausedBy === "PausedByAnnotation" ? (set?.replicas ?? 0) : cluster.spec.replicas,
    set,
    pods,
    group: groupStateOf(answers, faltering),
    isPaused: pausedBy !== undefined,
    forcedRevision: object.metadata.annotations?.[FORCE_ROLL_ANNOTATION],
  };
}

/** Nothing keeps the spec from it, so that the next step may be taken. */
function isCarriedOut({ obstacle, failure }: Observed): boolean {
  return obstacle === undefined && failure === undefined;
}

function isEncrypted({ spec }: TomcatCluster): boolean {
  return spec.group.encryption.mode === "SharedKey";
}

function refuseClashes(clashes: readonly KubeObject[]): void {
  if (clashes.length === 0) return;
  const reason: Obstacle["reason"] = "NameClash";
  const message = `Not this cluster's, though it needs the name: ${clashes.map(describeObject).join(", ")}. Delete or rename what is there`;
  throw new ObstacleError({ reason, message });
}
