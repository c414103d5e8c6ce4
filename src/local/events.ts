// What a local cluster reports: the objects of `--json`, a contract that scripts rely on, and the same in words for people.

export interface WorkerDescription {
  readonly name: string;
  readonly route: string;
  readonly pid: number;
  readonly address: string;
  /** Port of its HTTP connector. */
  readonly http: number;
  /** Port of its channel's receiver. */
  readonly receiver: number;
  readonly management: string;
}

/** The URL answers: every worker is ready, or has had its time to become so. The first event, once. */
export interface ReadyEvent {
  readonly event: "ready";
  readonly url: string;
  readonly balancer: { readonly pid: number; readonly management: string };
  readonly workers: readonly WorkerDescription[];
}

export interface WorkerExitedEvent {
  readonly event: "workerExited";
  readonly name: string;
  readonly route: string;
  readonly pid: number;
  /** Null when the process ended by itself. */
  readonly signal: string | null;
}

/** The worker runs again and is ready. */
export interface WorkerStartedEvent {
  readonly event: "workerStarted";
  readonly name: string;
  readonly route: string;
  readonly pid: number;
}

/** Requests fail until it is started again, after a second. */
export interface BalancerExitedEvent {
  readonly event: "balancerExited";
  readonly pid: number;
  /** Null when the process ended by itself. */
  readonly signal: string | null;
}

/** The balancer runs again, at the same URL, and serves. */
export interface BalancerStartedEvent {
  readonly event: "balancerStarted";
  readonly pid: number;
}

/** One worker's view of the group has changed. */
export interface MembershipEvent {
  readonly event: "memberAdded" | "memberDisappeared";
  /** The member that came or went. */
  readonly name: string;
  readonly route: string;
  /** Whose view it is. */
  readonly seenBy: string;
}

/** Nothing of the cluster is left. The last event, once. */
export interface StoppedEvent {
  readonly event: "stopped";
}

export type LocalEvent =
  | ReadyEvent
  | WorkerExitedEvent
  | WorkerStartedEvent
  | BalancerExitedEvent
  | BalancerStartedEvent
  | MembershipEvent
  | StoppedEvent;

/** One line for a person; `ready` has a text of its own (welcome.ts). */
export function describeEvent(event: Exclude<LocalEvent, ReadyEvent>): string {
  switch (event.event) {
    case "workerExited":
      return `${event.name} has ended (${describeEnd(event)})`;
    case "workerStarted":
      return `${event.name} is ready again (pid ${event.pid})`;
    case "balancerExited":
      return `balancer has ended (${describeEnd(event)})`;
    case "balancerStarted":
      return `balancer is ready again (pid ${event.pid})`;
    case "memberAdded":
      return `${event.seenBy} sees ${event.name} in the group`;
    case "memberDisappeared":
      return `${event.seenBy} no longer sees ${event.name} in the group`;
    case "stopped":
      return "Stopped";
  }
}

function describeEnd({ pid, signal }: WorkerExitedEvent | BalancerExitedEvent): string {
  return signal === null ? `pid ${pid}` : `pid ${pid}, ${signal}`;
}
