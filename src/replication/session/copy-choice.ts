// Which of two copies of a session stays (rule 11).

export interface OwnCopy {
  readonly version: number;
  readonly primary: boolean;
  readonly inUse: boolean;
  /** Milliseconds, the clock of the worker that used it. */
  readonly lastUsedMs: number;
}

export interface OfferedCopy {
  /** Whether it comes from the member that served the session last, as far as is known here. */
  readonly fromItsServer: boolean;
  /** 0: its sender does not count (a Tomcat). */
  readonly version: number;
  readonly thisAccessedTime: number;
  /** Compares its content with ours: above 0 when the two differ and everybody prefers the offered one, below when ours, 0 when equal. */
  readonly compareContent: () => number;
}

/**
 * The higher version wins. Nothing else counts between members of ours, whoever sent it and whenever it arrives: what a closed
 * connection held back may come after what was sent later, and a worker that was away has used last what it had then. Copies with the
 * same count have the same content, unless two members made the same number of changes while they were apart: then the later access
 * wins. A member that does not count is right about what it served, but not against a request that came here later.
 */
export function chooseCopy(own: OwnCopy, offered: OfferedCopy): "Take" | "Keep" {
  if (offered.version === 0) {
    if (offered.fromItsServer && !own.primary && !own.inUse) return "Take";
    return own.primary && own.lastUsedMs > offered.thisAccessedTime ? "Keep" : "Take";
  }
  if (offered.version !== own.version) return offered.version > own.version ? "Take" : "Keep";
  if (own.inUse) return "Keep";
  const content = offered.compareContent();
  // Whoever serves it gets its own back from others, and goes on.
  if (content === 0 && !offered.fromItsServer) return "Keep";
  return (offered.thisAccessedTime - own.lastUsedMs || content) >= 0 ? "Take" : "Keep";
}
