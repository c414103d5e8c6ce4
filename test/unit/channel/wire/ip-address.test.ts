import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressBytes, addressText, canonicalAddress, isLoopback } from "../../../../src/channel/wire/ip-address.ts";

describe("IP addresses", () => {
  const rows: [string, string, string][] = [
    ["10.1.2.3", "0a010203", "10.1.2.3"],
    ["0.0.0.0", "00000000", "0.0.0.0"],
    ["255.255.255.255", "ffffffff", "255.255.255.255"],
    ["::", "0".repeat(32), "::"],
    ["::1", `${"0".repeat(31)}1`, "::1"],
    ["2001:DB8:0:0:0:0:0:5", "20010db8000000000000000000000005", "2001:db8::5"],
    ["1:0:0:2:0:0:0:3", "00010000000000020000000000000003", "1:0:0:2::3"],
    ["1:0:2:3:4:5:6:7", "00010000000200030004000500060007", "1:0:2:3:4:5:6:7"],
    ["fe80::1%eth0", "fe800000000000000000000000000001", "fe80::1"],
    ["64:ff9b::10.1.2.3", "0064ff9b00000000000000000a010203", "64:ff9b::a01:203"],
    ["::ffff:10.1.2.3", "0a010203", "10.1.2.3"],
  ];
  for (const [text, hex, canonical] of rows) {
    it(`"${text}" is ${hex} and is written "${canonical}"`, () => {
      const bytes = addressBytes(text);
      assert.equal(bytes?.toString("hex"), hex);
      assert.equal(addressText(bytes!), canonical);
      assert.equal(canonicalAddress(text), canonical);
    });
  }

  for (const text of [
    "",
    "shop-0",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4%eth0",
    "1::2::3",
    "1:2:3",
    "12345::",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7::8",
    "g::",
  ]) {
    it(`"${text}" is no address`, () => {
      assert.equal(addressBytes(text), undefined);
      assert.equal(canonicalAddress(text), text);
    });
  }

  it("knows the loopback addresses", () => {
    const loopback = (text: string) => isLoopback(addressBytes(text)!);
    assert.deepEqual(["127.0.0.1", "127.9.8.7", "::1", "10.0.0.1", "::2", "1::1"].map(loopback), [true, true, true, false, false, false]);
  });
});
