import assert from "node:assert/strict";
import { test } from "node:test";
import { closestName } from "../../../src/base/index.ts";

const KNOWN = ["channelSendOptions", "clusterName", "port", "address", "autoBind"];

for (const [name, expected] of [
  ["chanelSendOptions", "channelSendOptions"],
  ["channelsendoptions", "channelSendOptions"],
  ["prot", "port"],
  ["adress", "address"],
  ["AUTOBIND", "autoBind"],
  ["filter", undefined],
  ["", undefined],
  ["x".repeat(10_000), undefined],
] as const) {
  test(`"${name.slice(0, 20)}" is taken for ${expected ?? "nothing known"}`, () => {
    assert.equal(closestName(name, KNOWN), expected);
  });
}

test("the nearest of several is taken", () => {
  assert.equal(closestName("timeou", ["timeoutMs", "timeout", "timer"]), "timeout");
});
