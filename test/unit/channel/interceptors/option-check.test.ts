import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkOptionFlags } from "../../../../src/channel/interceptors/option-check.ts";
import { interceptorConfig } from "../../../support/channel-cluster.ts";

const dispatch = interceptorConfig("MessageDispatchInterceptor");
const order = (optionFlag: number) => interceptorConfig("OrderInterceptor", { optionFlag });
const fragments = (optionFlag: number) => interceptorConfig("FragmentationInterceptor", { optionFlag });

describe("optionCheck", () => {
  it("takes interceptors with bits of their own, and those that handle each message", () => {
    checkOptionFlags([order(0), dispatch, interceptorConfig("GzipInterceptor"), fragments(0x200), interceptorConfig("TcpFailureDetector")]);
    // Each has a bit that the other has not: a message may be for either.
    checkOptionFlags([order(0x600), fragments(0xa00)]);
  });

  it("refuses two that handle messages by the same bits, or one by some of the other's, naming both and the bits", () => {
    for (const [one, other, common] of [
      [order(0x200), fragments(0x200), 512],
      [order(0x600), fragments(0x200), 512],
      [order(0x200), fragments(0x600), 512],
      [order(8), dispatch, 8],
    ] as const) {
      const expected = new RegExp(`server.xml:1:1: .*${other.className}.*${one.className}.* option ${common}:`);
      assert.throws(() => checkOptionFlags([one, interceptorConfig("GzipInterceptor"), other]), expected);
    }
  });
});
