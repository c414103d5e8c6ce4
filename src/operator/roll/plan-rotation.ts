// The next step of replacing the channel's key (rule 21): accept new, send new, drop old; each when every worker has told that it has taken
// the one before. Pure. The step stands in the status, and is acted on only when it stands there: nothing goes back after a crash.
import type { TomcatClusterStatus } from "../../api/index.ts";
import { type ChannelKeys, channelKeyFile } from "../desired/index.ts";
import type { WorkerPod, WorkerSet } from "../observe/worker-pods.ts";
import type { NoAnswer, WorkerView } from "../observe/worker-view.ts";

/** As the status has it. */
export interface Rotation {
  /** Number of the oldest key that workers accept. */
  readonly generation: number;
  /** Undefined: no rotation is under way. */
  readonly phase: NonNullable<TomcatClusterStatus["keyRotation"]>["phase"] | undefined;
}

export interface RotationInput {
  readonly rotation: Rotation;
  /** Somebody asks for another key, or this one is old. */
  readonly isDue: boolean;
  readonly set: WorkerSet | undefined;
  readonly pods: readonly WorkerPod[];
  readonly answers: readonly (WorkerView | NoAnswer)[];
}

const FIRST_KEY = 1;

export function rotationOf(status: TomcatClusterStatus | undefined): Rotation {
  return { generation: status?.keyGeneration ?? FIRST_KEY, phase: status?.keyRotation?.phase };
}

/** What workers shall have now. */
export function channelKeysOf({ generation, phase }: Rotation): ChannelKeys {
  return { oldest: generation, sending: phase === "Sending" ? generation + 1 : generation };
}

/** Keys whose Secrets shall exist. */
export function generationsOf({ generation, phase }: Rotation): readonly number[] {
  return phase === "Accepting" || phase === "Sending" ? [generation, generation + 1] : [generation];
}

export function planRotation({ rotation, isDue, set, pods, answers }: RotationInput): Rotation {
  const { generation, phase } = rotation;
  const next = channelKeyFile(generation + 1);
  const everyone = (holds: (keys: NonNullable<WorkerView["keys"]>) => boolean) =>
    isWhole(set, pods) &&
    answers.length === pods.length &&
    answers.every((answer) => "keys" in answer && answer.keys !== undefined && holds(answer.keys));
  switch (phase) {
    case undefined:
      return isDue && everyone(() => true) ? { generation, phase: "Accepting" } : rotation;
    case "Accepting":
      return everyone(({ accepted }) => accepted.includes(next)) ? { generation, phase: "Sending" } : rotation;
    case "Sending":
      // From here on the template has the next key alone: a roll.
      return everyone(({ sending }) => sending === next) ? { generation: generation + 1, phase: "Dropping" } : rotation;
    case "Dropping": {
      const before = channelKeyFile(generation - 1);
      return everyone(({ accepted }) => !accepted.includes(before)) ? { generation, phase: undefined } : rotation;
    }
  }
}

/** Every worker that shall be there is, ready and of one template. */
function isWhole(set: WorkerSet | undefined, pods: readonly WorkerPod[]): boolean {
  return (
    set?.updateRevision !== undefined &&
    pods.length > 0 &&
    pods.length === set.replicas &&
    pods.every(({ isReady, isTerminating, revision }) => isReady && !isTerminating && revision === set.updateRevision)
  );
}
