// Sessions as applications see them and as the container handles them.

/** jakarta.servlet.http.HttpSession's shape. After `invalidate` every member but `id` throws IllegalStateError. */
export interface HttpSession {
  /** Stem and route: "0123…CDEF.shop-0". Changes with failover and with `changeSessionId`. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly creationTime: number;
  /** Milliseconds since 1970, of the request before this one. */
  readonly lastAccessedTime: number;
  /** True until a client has come back with the id. */
  readonly isNew: boolean;
  /** Seconds without a request after which the session expires; 0 or less: never. */
  maxInactiveInterval: number;
  getAttribute(name: string): unknown;
  /** Null removes. Throws for undefined and for values that the manager cannot keep, naming attribute and type. */
  setAttribute(name: string, value: unknown): void;
  removeAttribute(name: string): void;
  getAttributeNames(): string[];
  invalidate(): void;
}

/** A session as the container and its managers handle it. */
export interface Session extends HttpSession {
  /** What applications hold: HttpSession's members and nothing else; the same object each time. */
  readonly facade: HttpSession;
  readonly valid: boolean;
  /** A request with this session begins. */
  access(): void;
  /** That request is over: its answer has left or its connection is gone. */
  endAccess(): void;
  /** Ends the session; `notify` runs listeners and, in a cluster, tells the others. */
  expire(notify: boolean): void;
}
