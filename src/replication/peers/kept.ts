// What became of a change, as far as its request has to know (rule 8).

/**
 * Whether at least one other member has it. A promise, which never rejects, while acknowledgements are awaited; without
 * acknowledgements what was handed over counts as kept.
 */
export type Kept = Promise<boolean> | boolean;

export function allKept(one: Kept, other: Kept): Kept {
  if (typeof one === "boolean" && typeof other === "boolean") return one && other;
  if (one === true) return other;
  if (other === true) return one;
  return Promise.all([one, other]).then(([first, second]) => first && second);
}

/** For what is no change: it is waited for, and nobody needs to have it. */
export function awaited(kept: Kept): Kept {
  return typeof kept === "boolean" ? true : kept.then(() => true);
}
