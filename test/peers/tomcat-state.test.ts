// Many sessions to a real Tomcat that joins, and from it: its frame with all of them is one (rule 6).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sendThroughTomcat } from "../support/through-tomcat.ts";

const SESSIONS = 2000;
const ENCRYPTION = { algorithm: "AES/GCM/NoPadding", key: "0f1e2d3c4b5a69788796a5b4c3d2e1f0" } as const;

describe("the state of a group with a real Tomcat 10.1 (rule 6)", () => {
  for (const encryption of [undefined, ENCRYPTION]) {
    it(`is whole with a Tomcat that joins a worker of ours, and with a worker that joins that Tomcat${encryption ? ", encrypted" : ""}`, async () => {
      const seen = await sendThroughTomcat({ network: "127.0.83", sessions: SESSIONS, sessionBytes: 1024, encryption });
      assert.deepEqual(seen, { given: SESSIONS, inTomcat: SESSIONS, taken: SESSIONS, equal: true });
    });
  }
});
