// A number for what copies of sessions hold: equal on members whose copies are equal.
import { createHash } from "node:crypto";
import { stemOf } from "../../protocol/index.ts";
import { ObjectOutputStream } from "../../serialization/index.ts";
import type { SessionState } from "./session-state.ts";

/** Over stem and attributes. Not over version and times: a Tomcat counts none, and clocks differ. Independent of the order. */
export function sessionsDigest(states: Iterable<SessionState>): string {
  let sum = 0n;
  for (const state of states) sum ^= sessionDigest(state);
  return sum.toString(16).padStart(16, "0");
}

function sessionDigest(state: SessionState): bigint {
  const digest = createHash("sha256").update(stemOf(state.id));
  const attributes = [...state.attributes].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [name, value] of attributes) {
    const output = new ObjectOutputStream();
    output.writeObject(name);
    output.writeObject(value);
    digest.update(output.toBuffer());
  }
  return digest.digest().readBigUInt64BE();
}
