import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzz, uselessTargets } from "../../fuzz/fuzz.ts";
import type { Target } from "../../fuzz/targets.ts";

const COUNT = 5000;
const CORPUS = [Buffer.from("0123456789")];

function target(run: Target["run"]): Target {
  return { name: "broken", corpus: CORPUS, run };
}

describe("fuzzing, a little of npm run fuzz", () => {
  it("begins with recorded inputs that each target takes", async () => {
    assert.deepEqual(await uselessTargets(), []);
  });

  it(`finds nothing in ${COUNT} mutations: whatever is refused is refused with an error of ours`, async () => {
    const finding = await fuzz({ seed: 20_261_120, count: COUNT });
    assert.equal(finding && `${finding.target} ${finding.number}: ${finding.problem}\n${finding.input.toString("hex")}`, undefined);
  });

  it("finds what throws something else, and the same input again from its number", async () => {
    const broken = target((input) => {
      if (input[0] !== 0x30) throw new TypeError("not checked");
    });
    const finding = await fuzz({ seed: 3, count: 1000 }, [broken]);
    assert.match(finding!.problem, /TypeError: not checked/);
    const again = await fuzz({ seed: 3, from: finding!.number, count: 1 }, [broken]);
    assert.deepEqual(again?.input, finding!.input);
  });

  it("finds what takes too much memory", async () => {
    // Far above the limit: what earlier inputs left behind may be collected meanwhile, and counts against it.
    const kept: Buffer[] = [];
    const hungry = target(() => void kept.push(Buffer.alloc(300 * 1024 * 1024)));
    const finding = await fuzz({ seed: 1, count: 1 }, [hungry]);
    assert.match(finding!.problem, /ms and \d{9} bytes/);
  });

  it("finds a changed prototype", async () => {
    const polluted = target(() => {
      Object.assign(Object.prototype, { admin: true });
    });
    try {
      assert.match((await fuzz({ seed: 1, count: 1 }, [polluted]))!.problem, /Object.prototype has got admin/);
    } finally {
      Reflect.deleteProperty(Object.prototype, "admin");
    }
  });
});
