// metav1.MicroTime: exactly six digits after the point. The API server refuses the three that Date writes.

/** RFC 3339 in UTC with microseconds, from milliseconds since 1970. */
export function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("Z", "000Z");
}

/** metav1.Time: whole seconds. */
export function secondTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}
