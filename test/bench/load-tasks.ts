// What the load's process is told, and what it answers: over Node's channel between parent and child.

/** `Fill`: makes sessions, whose cookies it keeps for later. `Paced`, `Full`: requests to these sessions in turn until `Pause`. */
export type LoadTask =
  | { readonly task: "Fill"; readonly url: string; readonly sessions: number; readonly bytes: number }
  | { readonly task: "Paced"; readonly perSecond: number }
  | { readonly task: "Full" }
  | { readonly task: "Pause" }
  /** Ends a window of measuring and begins the next. */
  | { readonly task: "Window" };

/** What happened since the last window. */
export interface LoadWindow {
  readonly seconds: number;
  readonly requests: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export type LoadReply = { readonly window: LoadWindow } | { readonly failure: string };
