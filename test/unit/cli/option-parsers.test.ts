import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressParser, booleanParser, choiceParser, namesParser, portParser } from "../../../src/cli/option-parsers.ts";

describe("portParser", () => {
  for (const [text, port] of [
    ["1", 1],
    ["8080", 8080],
    ["65535", 65_535],
  ] as const) {
    it(`reads ${text}`, () => assert.equal(portParser(1)(text), port));
  }
  for (const text of ["", "0", "65536", "80a", "-1", "8.5", "1e3", " 80", "0x50", "123456"]) {
    it(`refuses "${text}"`, () => assert.throws(() => portParser(1)(text), { code: "commander.invalidArgument" }));
  }
  it("takes 0 where any free port will do", () => assert.equal(portParser(0)("0"), 0));
});

describe("choiceParser", () => {
  it("takes a choice as it is written, and lists the choices for another text", () => {
    const parse = choiceParser(["info", "warn"]);
    assert.equal(parse("warn"), "warn");
    assert.throws(() => parse("WARN"), /info, warn/);
  });
});

describe("booleanParser", () => {
  it("takes true and false", () => assert.deepEqual(["true", "false"].map(booleanParser), [true, false]));
  for (const text of ["", "no", "1", "True"]) it(`refuses "${text}"`, () => assert.throws(() => booleanParser(text), /true or false/));
});

describe("addressParser", () => {
  for (const [text, address, port] of [
    ["127.0.0.1:9090", "127.0.0.1", 9090],
    [":0", undefined, 0],
    ["[::1]:80", "::1", 80],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(addressParser(text), { address, port }));
  }
  for (const text of ["9090", "::1:80", "host:", "host:70000"]) {
    it(`refuses "${text}"`, () => assert.throws(() => addressParser(text), { code: "commander.invalidArgument" }));
  }
});

describe("namesParser", () => {
  it("reads names between commas, and none from an empty text", () => {
    assert.deepEqual(namesParser("web, shop"), ["web", "shop"]);
    assert.deepEqual(namesParser(""), []);
    assert.throws(() => namesParser("web,Shop"), /"Shop" is no name/);
  });
});
