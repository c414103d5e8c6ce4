import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChannelError } from "../../../../src/channel/errors.ts";
import { jointSend } from "../../../../src/channel/interceptors/joint-send.ts";
import { testMember } from "../../../support/recording-layers.ts";

const [B, C] = [testMember(2), testMember(3)];

describe("a send of several", () => {
  it("fails when all have ended, naming each faulty member once, with its first cause", async () => {
    const last = Promise.withResolvers<void>();
    const causes = ["first of B", "second of B", "of C"].map((text) => new Error(text)) as [Error, Error, Error];
    const joint = jointSend([
      Promise.reject(new ChannelError([{ member: B, cause: causes[0] }])),
      last.promise,
      Promise.reject(
        new ChannelError([
          { member: C, cause: causes[2] },
          { member: B, cause: causes[1] },
        ]),
      ),
    ]);
    let ended = false;
    joint.catch(() => {
      ended = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ended, false);
    last.resolve();
    await assert.rejects(joint, (error) => {
      assert.ok(error instanceof ChannelError);
      assert.deepEqual(error.faultyMembers, [
        { member: B, cause: causes[0] },
        { member: C, cause: causes[2] },
      ]);
      return true;
    });
  });

  it("fails with what is no failure of a member as it is", async () => {
    const full = new Error("full");
    await assert.rejects(jointSend([Promise.resolve(), Promise.reject(full)]), full);
    await jointSend([Promise.resolve()]);
  });
});
