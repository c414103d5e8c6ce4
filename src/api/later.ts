// Fields and values of the destination that this version does not run yet: known, and refused in plain words.

const HINTS: Readonly<Record<string, string>> = {
  "spec.group.manager.type=Persistent": "use Delta",
  "spec.group.manager.type=Standard": "use Delta, or distributable: false for single applications",
  "spec.membership.type=Kubernetes": "use DNS",
  "spec.membership.type=Static": "use DNS",
};

const FIELDS: ReadonlySet<string> = new Set([
  "spec.applications[].replicatedContext",
  "spec.balancer.accessLog",
  "spec.balancer.backend",
  "spec.balancer.statusPage",
  "spec.group.placement",
  "spec.pools",
  "spec.runtime",
  "spec.sessions.pathParameter",
  "spec.sessions.singleSignOn",
]);

/** The sentence that refuses a known field of a later version; undefined for a field that nobody knows. */
export function laterField(path: readonly PropertyKey[]): string | undefined {
  const name = pattern(path);
  return FIELDS.has(name) ? sentence("the field", HINTS[name]) : undefined;
}

/** The same for a value of a field. */
export function laterValue(path: readonly PropertyKey[], value: unknown): string | undefined {
  const name = `${pattern(path)}=${String(value)}`;
  return Object.hasOwn(HINTS, name) ? sentence(`"${String(value)}"`, HINTS[name]) : undefined;
}

function sentence(what: string, hint: string | undefined): string {
  return `${what} is not supported in this version${hint === undefined ? "" : `: ${hint}`}`;
}

/** Indices of lists do not matter here: spec.applications[]. */
function pattern(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[]` : `${text}${text === "" ? "" : "."}${String(step)}`),
    "",
  );
}
