import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../../../src/base/index.ts";
import type { SessionState } from "../../../../src/replication/session/session-state.ts";
import { StateBlocks } from "../../../../src/replication/state-transfer/state-blocks.ts";

function state(id: string): SessionState {
  return {
    ...{
      id,
      creationTime: 0,
      lastAccessedTime: 0,
      thisAccessedTime: 0,
      maxInactiveInterval: 1800,
      isNew: false,
      isValid: true,
      version: 1,
    },
    ...{ principal: null, expectedSessionId: null, savedRequest: null, attributes: [["text", "x".repeat(100)]], listeners: [] },
  };
}

/** How many sessions there are in each block, where each takes as long as `sessionMs` says when its turn comes. */
function blockSizes(count: number, sessionMs: (index: number) => number): number[] {
  let nowMs = 0;
  let index = 0;
  const source = {
    contextName: "localhost#/app",
    stems: () => [],
    stateOf: (stem: string) => {
      nowMs += sessionMs(index++);
      return state(stem);
    },
  };
  const stems = Array.from({ length: count }, (_, number) => `S${number}`);
  const blocks = new StateBlocks({ clock: { monotonic: () => nowMs }, logger: silentLogger }, source, stems);
  const sizes: number[] = [];
  for (let block = blocks.next(); block !== undefined; block = blocks.next()) sizes.push(block.sessions);
  return sizes;
}

describe("blocks of state (rule 6)", () => {
  it("hold no more sessions than can be encoded in half a millisecond, so that no request waits for long", () => {
    const sizes = blockSizes(200, () => 0.1);
    assert.ok(
      sizes.slice(1).every((size) => size <= 5),
      String(sizes),
    );
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      200,
    );
  });

  it("hold one session at least, and as many as fit again when that is quick", () => {
    const sizes = blockSizes(400, (index) => (index < 20 ? 2 : 0));
    assert.deepEqual(sizes.slice(0, 5), [16, 1, 1, 1, 1]);
    assert.ok(Math.max(...sizes) > 50, String(sizes));
  });
});
