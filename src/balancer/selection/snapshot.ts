// What a choice sees: an immutable picture of the workers, made anew when one of them changes, never per request.

/** A worker as balancing methods know it. */
export interface Candidate {
  readonly name: string;
  /** What stands behind the dot of the session ids that it makes. */
  readonly route: string;
  /** Share of the requests without a session, relative to the others'. */
  readonly weight: number;
}

/** Where a worker stands in a snapshot. */
export interface Standing<C extends Candidate> {
  readonly candidate: C;
  /** Index into `tiers`; -1: not to be used. */
  readonly tier: number;
  /** It keeps the sessions that are in use there, and gets nothing else (rule 18). */
  readonly draining: boolean;
}

export interface Snapshot<C extends Candidate> {
  /** Workers for any request, best tier first; a tier is used only when nobody of those before it is left. No tier is empty. */
  readonly tiers: readonly (readonly C[])[];
  readonly byRoute: ReadonlyMap<string, Standing<C>>;
}
