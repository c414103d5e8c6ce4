// Numbers for what copies of sessions hold: equal on members whose copies are equal.
import { createHash, hash } from "node:crypto";
import { stemOf } from "../../protocol/index.ts";
import { ObjectOutputStream } from "../../serialization/index.ts";
import type { SessionState } from "./session-state.ts";

const HEX_DIGITS = 16;

/** Over stem and attributes. Not over version and times: a Tomcat counts none, and clocks differ. */
export function contentDigest(state: SessionState): bigint {
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

/** Over stem and version. */
export function versionDigest(state: SessionState): bigint {
  return hash("sha256", `${stemOf(state.id)}.${state.version}`, "buffer").readBigUInt64BE();
}

/** As pages show it. */
export function digestText(digest: bigint): string {
  return digest.toString(16).padStart(HEX_DIGITS, "0");
}
