// The application of the simulated workers: a session counts its requests and lists their numbers.

import type { HttpSession } from "../../../src/container/index.ts";
import type { SessionState } from "../../../src/replication/session/session-state.ts";
import { toJavaScript } from "../../../src/serialization/index.ts";

export interface AppRequest {
  /** As the client's cookie says. */
  readonly sessionId: string | undefined;
  /** `Add` is a POST: not idempotent. `Read` is a GET. `Rename` is a POST that changes the id, as a login does. */
  readonly kind: "Add" | "Read" | "Rename";
  /** Of the client: which one of its updates this is. */
  readonly version: number;
  /** How long the application thinks. */
  readonly workMs: number;
}

/** What a session holds: the numbers of the updates in it, and how many they are. */
export interface Basket {
  readonly items: readonly number[];
  readonly count: number;
}

export interface AppAnswer extends Basket {
  /** Undefined: there is no session. */
  readonly sessionId: string | undefined;
  readonly worker: string;
}

/** Why a request fails whose change no other worker has: durability "Required" (rule 8). */
export const NOT_KEPT = "503 nobody else has it";

export const EMPTY_BASKET: Basket = { items: [], count: 0 };

/** One attribute is set again, the other is changed in place (rule 14). A new session gets `loadBytes` of ballast. */
export function addItem(session: HttpSession, version: number, loadBytes: number): void {
  const items = session.getAttribute("items") as number[] | undefined;
  if (items === undefined) {
    session.setAttribute("items", [version]);
    if (loadBytes > 0) session.setAttribute("load", "x".repeat(loadBytes));
  } else items.push(version);
  session.setAttribute("count", ((session.getAttribute("count") as number | undefined) ?? 0) + 1);
}

export function basketOf(session: HttpSession): Basket {
  const items = (session.getAttribute("items") as number[] | undefined) ?? [];
  return { items: [...items], count: (session.getAttribute("count") as number | undefined) ?? 0 };
}

/** The same from a copy that nobody uses. */
export function basketOfState(state: SessionState): Basket {
  const attributes = new Map(state.attributes);
  const items = attributes.get("items");
  const count = attributes.get("count");
  return {
    items: items === undefined ? [] : (toJavaScript(items) as number[]),
    count: count === undefined ? 0 : (toJavaScript(count) as number),
  };
}
