import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LOADING_APPLICATION, type LoadingApplication, loadingAs } from "../../../../src/container/webapp/loading-application.ts";

function application(contextName: string): LoadingApplication {
  return {
    contextName,
    openSessionStorage: () => {
      throw new Error("not asked for");
    },
  };
}

function loading(): string | undefined {
  return (globalThis as { [LOADING_APPLICATION]?: LoadingApplication })[LOADING_APPLICATION]?.contextName;
}

describe("loadingAs", () => {
  it("lets one application load after the other, each under its own name, also when one fails", async () => {
    const seen: (string | undefined)[] = [];
    const load = async () => {
      seen.push(loading());
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(loading());
      return loading();
    };
    const first = loadingAs(application("a"), load);
    const failed = loadingAs(application("b"), async () => {
      await load();
      throw new Error("broken");
    });
    const last = loadingAs(application("c"), load);
    await assert.rejects(failed, /broken/);
    assert.deepEqual([await first, await last], ["a", "c"]);
    assert.deepEqual(seen, ["a", "a", "b", "b", "c", "c"]);
    assert.equal(loading(), undefined);
  });
});
