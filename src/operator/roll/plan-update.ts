// Which image and defaults a cluster has: those that it was made with, until its user lets the operator bring its own, when it is its turn. Pure.
import type { TomcatClusterStatus } from "../../api/index.ts";

/** What differs between versions of the operator, and makes pods roll. */
export interface Pins {
  /** Of balancers, and of workers where spec.image is unset. */
  readonly image: string;
  /** Place in the list of defaults, from 1. */
  readonly defaultsRevision: number;
}

/** As the status has it. What is new in it is acted on only when it stands there: nothing goes back after a crash. */
export interface Update {
  readonly pins: Pins;
  /** Undefined: none is wanted, or under way. */
  readonly phase: NonNullable<TomcatClusterStatus["update"]>["phase"] | undefined;
}

export interface UpdateInput {
  readonly update: Update;
  /** The operator's own. */
  readonly offered: Pins;
  /** The user wants what the operator has. Not while changes wait. */
  readonly isAutomatic: boolean;
  /** Everything is as the spec says, with these pins. */
  readonly isSettled: boolean;
  /** Whether it is this cluster's turn; then it has it. */
  readonly takeTurn: () => boolean;
}

/** Clusters made before there was a revision in the status. */
const FIRST_REVISION = 1;

/** One without an image has just come to be. */
export function updateOf(status: TomcatClusterStatus | undefined, offered: Pins): Update {
  const { image, defaultsRevision = FIRST_REVISION, update } = status ?? {};
  return image === undefined ? { pins: offered, phase: undefined } : { pins: { image, defaultsRevision }, phase: update?.phase };
}

export function planUpdate({ update, offered, isAutomatic, isSettled, takeTurn }: UpdateInput): Update {
  const { pins, phase } = update;
  if (!isAutomatic) return { pins, phase: undefined };
  const isCurrent = pins.image === offered.image && pins.defaultsRevision === offered.defaultsRevision;
  // One that has its turn keeps it until its pods are replaced. A further version may be the cure of what does not get on.
  if (phase === "Rolling") return isCurrent && isSettled ? { pins, phase: undefined } : { pins: offered, phase };
  if (isCurrent) return { pins, phase: undefined };
  return takeTurn() ? { pins: offered, phase: "Rolling" } : { pins, phase: "Waiting" };
}
