// express-session as far as its stores are concerned (its README, "Session Store Implementation"); it brings no types of its own.
import { createRequire } from "node:module";

export interface SessionCookie {
  readonly originalMaxAge?: number | null | undefined;
}

/** What a store is given, and gives back as plain data. */
export interface SessionData {
  readonly cookie: SessionCookie;
  readonly [property: string]: unknown;
}

/** The base of all stores: an emitter with `regenerate`, `load` and `createSession`. */
export interface Store {
  regenerate(req: object, callback: (error?: unknown) => void): void;
  load(sid: string, callback: (error: unknown, session?: SessionData) => void): void;
  createSession(req: object, session: SessionData): SessionData;
  on(event: "connect" | "disconnect", listener: () => void): this;
  emit(event: "connect" | "disconnect"): boolean;
}

/** The application's own copy: a peer dependency, which whoever imports this folder has. */
export const { Store } = createRequire(import.meta.url)("express-session") as { readonly Store: new () => Store };
