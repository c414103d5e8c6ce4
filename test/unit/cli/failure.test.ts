import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { TomcatClusterError } from "../../../src/base/index.ts";
import { describeFailure } from "../../../src/cli/failure.ts";

class BrokenError extends TomcatClusterError {
  readonly code = "BROKEN";
}

const hasStack = /\n\s+at /;

describe("describeFailure", () => {
  it("gives an explained error's message alone", () => {
    assert.equal(describeFailure(new BrokenError('"shop" is broken'), { debug: false }), '"shop" is broken');
  });

  it("gives a system error's message alone", () => {
    const error = (() => {
      try {
        return readFileSync("/nowhere/at/all");
      } catch (thrown) {
        return thrown;
      }
    })();
    assert.equal(describeFailure(error, { debug: false }), "ENOENT: no such file or directory, open '/nowhere/at/all'");
  });

  it("says what to do about a port that is in use", () => {
    const error = Object.assign(new Error("listen EADDRINUSE: address already in use 127.0.0.1:80"), {
      code: "EADDRINUSE",
      syscall: "listen",
      address: "127.0.0.1",
      port: 80,
    });
    assert.match(describeFailure(error, { debug: false }), /^Port 80 on 127\.0\.0\.1 is in use by another process: .*choose another port$/);
  });

  it("gives the stack of what should not happen, and asks for a report", () => {
    const text = describeFailure(new TypeError("x is not a function"), { debug: false });
    assert.match(text, /^Internal error, please report it: TypeError: x is not a function/);
    assert.match(text, hasStack);
  });

  it("gives stack and cause with --debug", () => {
    const text = describeFailure(new BrokenError("broken", { cause: new Error("the cause") }), { debug: true });
    assert.match(text, hasStack);
    assert.match(text, /the cause/);
  });

  it("shows a thrown value that is no error", () => {
    assert.equal(describeFailure({ odd: 1 }, { debug: false }), "{ odd: 1 }");
  });
});
