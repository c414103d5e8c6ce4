import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { operatorCommand } from "../../../src/cli/operator.ts";

/** What the command is called with, without running it. */
function optionsOf(...args: readonly string[]): Readonly<Record<string, unknown>> {
  const command = operatorCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.action(() => undefined).parse(["--image", "x", ...args], { from: "user" });
  return command.opts();
}

describe("tomcat-cluster operator", () => {
  afterEach(() => {
    delete process.env.LEADER_ELECT;
    delete process.env.ROLLOUT_DELAY;
  });

  for (const [text, expected] of [
    ["true", true],
    ["false", false],
  ] as const) {
    it(`takes LEADER_ELECT=${text} by its word`, () => {
      process.env.LEADER_ELECT = text;
      assert.equal(optionsOf().leaderElect, expected);
    });
  }

  it("refuses a LEADER_ELECT that is neither", () => {
    process.env.LEADER_ELECT = "maybe";
    assert.throws(() => optionsOf(), /true or false/);
  });

  it("takes ROLLOUT_DELAY in seconds, none by default", () => {
    assert.equal(optionsOf().rolloutDelay, 0);
    process.env.ROLLOUT_DELAY = "90";
    assert.equal(optionsOf().rolloutDelay, 90);
  });

  it("takes --leader-elect alone and with a value, which goes before the environment", () => {
    process.env.LEADER_ELECT = "true";
    assert.equal(optionsOf("--leader-elect=false").leaderElect, false);
    assert.equal(optionsOf("--leader-elect", "--log-level", "warn").leaderElect, true);
    delete process.env.LEADER_ELECT;
    assert.equal(optionsOf().leaderElect, false);
    assert.equal(optionsOf("--leader-elect").leaderElect, true);
  });

  it("has a name of its own where none is given: two of one name would both lead", () => {
    assert.notEqual(optionsOf().identity, optionsOf().identity);
    assert.equal(optionsOf("--identity", "operator-0").identity, "operator-0");
  });
});
