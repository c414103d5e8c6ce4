// Every reason that a condition of a TomcatCluster may give, and what it means. The documentation shows this list.

export const REASONS = {
  // Ready
  AllServing: "Every worker that is wanted serves, and a balancer is available",
  ScaledToZero: "No worker is wanted",
  WorkersNotReady: "Fewer workers serve than are wanted",
  BalancersNotReady: "No balancer is available",
  // Reconciling
  UpToDate: "Everything is as the spec says",
  Starting: "Workers or balancers that are wanted do not run yet",
  Rolling: "Workers are replaced, one at a time",
  ScalingDown: "Workers leave, one at a time",
  Failing: "The API server fails: what is to be written is tried again, later and later",
  // Stalled
  NotStalled: "Nothing that only a person can change is in the way",
  InvalidSpec: "The spec breaks a rule that the API server did not check",
  InvalidServerXml: "The server.xml that the spec names cannot be used",
  ReferenceMissing: "A ConfigMap that the spec names does not exist, or lacks the key",
  NameClash: "An object of somebody else has a name that this cluster needs",
  KindUnknown: "The spec asks for an object of a kind that the API server does not know",
  RevisionUnknown: "The cluster was made by a newer operator, which makes pods in a way that this one does not know",
  Refused: "The API server refuses an object that the spec asks for",
  // WellFormed
  OneView: "All ready workers see the same members",
  SeveralViews: "Ready workers see different members",
  WorkerNotAnswering: "A ready worker does not tell whom it sees",
  NoWorkers: "There is no ready worker to ask",
  // Degraded
  AsExpected: "Nothing lasts longer than it should",
  RollStuck: "Replacing or removing workers has not got on for ten minutes",
  StartStuck: "Workers that are wanted have not become ready for ten minutes",
  // Paused
  NotPaused: "Changes are carried out",
  PausedBySpec: "spec.updatePolicy.paused: workers keep what they run",
  PausedByAnnotation: "The annotation tribes.dev/paused: nothing is changed at all",
  // Events alone
  WorkerEvicted: "A worker was told to leave, and comes back with the new template",
  KeyRotating: "The channel's key is replaced: every worker has taken the step before this one",
  KeyRotated: "Every worker has the new key alone",
  Updating: "Workers and balancers get the operator's image and defaults: it is this cluster's turn",
  Updated: "Workers and balancers have the operator's image and defaults",
} as const;

export type Reason = keyof typeof REASONS;
