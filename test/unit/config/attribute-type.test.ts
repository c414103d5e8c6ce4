import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttributeType, convertAttribute } from "../../../src/config/attribute-type.ts";

const INTEGER: AttributeType = { kind: "integer", min: -1, max: 65_535 };
const BOOLEAN: AttributeType = { kind: "boolean" };
const CHOICE: AttributeType = {
  kind: "choice",
  values: ["HTTP/1.1"],
  aliases: { Nio: "HTTP/1.1" },
  later: { "AJP/1.3": "AJP comes later" },
};
const SEND_OPTIONS: AttributeType = { kind: "sendOptions" };
const FILTER: AttributeType = { kind: "uriFilter" };

for (const [type, text, value] of [
  [INTEGER, "8080", 8080],
  [INTEGER, " -1 ", -1],
  [INTEGER, "+5", 5],
  [BOOLEAN, "true", true],
  [BOOLEAN, "FALSE", false],
  [BOOLEAN, "yes", true],
  [BOOLEAN, "off", false],
  [CHOICE, "HTTP/1.1", "HTTP/1.1"],
  [CHOICE, "Nio", "HTTP/1.1"],
  [SEND_OPTIONS, "2", 2],
  [SEND_OPTIONS, "6", 6],
  [SEND_OPTIONS, "8", 8],
  [SEND_OPTIONS, "10", 10],
  [SEND_OPTIONS, "14", 14],
  [SEND_OPTIONS, "async", 8],
  [SEND_OPTIONS, "asynchronous, use_ack", 10],
  [SEND_OPTIONS, "sync,use_ack", 6],
  [SEND_OPTIONS, "synchronized_ack,use_ack", 6],
  [FILTER, "", ""],
  [FILTER, String.raw`.*\.gif|.*\.js`, String.raw`.*\.gif|.*\.js`],
  [FILTER, String.raw`/static/[^;]*;v=\d+`, String.raw`/static/[^;]*;v=\d+`],
] as const) {
  test(`"${text}" as ${type.kind} is ${JSON.stringify(value)}, without a note`, () => {
    assert.deepEqual(convertAttribute(type, text), { value });
  });
}

for (const [type, text, expected] of [
  [INTEGER, "", /must be a whole number from -1 to 65535/],
  [INTEGER, "80a", /found "80a"/],
  [INTEGER, "8.5", /found "8.5"/],
  [INTEGER, "65536", /found "65536"/],
  [INTEGER, "0x50", /found "0x50"/],
  [INTEGER, "99999999999999999999", /must be a whole number/],
  [BOOLEAN, "", /must be true or false/],
  [BOOLEAN, "ture", /found "ture", must be true or false/],
  [CHOICE, "HTTP/3", /found "HTTP\/3", known: HTTP\/1.1, AJP\/1.3/],
  [CHOICE, "toString", /found "toString", known/],
  [SEND_OPTIONS, "0", /asks for nothing/],
  [SEND_OPTIONS, "1", /asks for nothing/],
  [SEND_OPTIONS, "256", /unknown bits/],
  [SEND_OPTIONS, "-8", /found "-8"/],
  [SEND_OPTIONS, "Async", /found "Async" in "Async", known: .*async/],
  [SEND_OPTIONS, "async,constructor", /found "constructor"/],
  [FILTER, "a)(b", /not a regular expression/],
  [FILTER, "(", /"\(" is not a regular expression/],
  [FILTER, String.raw`.*\.gif;.*(`, /not a list of regular expressions/],
] as const) {
  test(`"${text}" as ${type.kind} is refused`, () => {
    const converted = convertAttribute(type, text);
    assert.ok("problem" in converted, JSON.stringify(converted));
    assert.match(converted.problem, expected);
  });
}

test("a value that comes later is told from an unknown one", () => {
  assert.deepEqual(convertAttribute(CHOICE, "AJP/1.3"), { later: "AJP comes later" });
  for (const text of ["udp", "32", "multicast,use_ack", "16"]) assert.ok("later" in convertAttribute(SEND_OPTIONS, text), text);
});

for (const text of ["4", "sync", "12", "sync,async"]) {
  test(`send options "${text}" warn that nothing is acknowledged`, () => {
    const converted = convertAttribute(SEND_OPTIONS, text);
    assert.ok("value" in converted);
    assert.equal(converted.note?.level, "warn");
    assert.match(converted.note?.message ?? "", /no acknowledgement/);
  });
}

test("byte_message is the channel's own bit and left out", () => {
  const converted = convertAttribute(SEND_OPTIONS, "7");
  assert.ok("value" in converted);
  assert.equal(converted.value, 6);
});

test("a list of Tomcat 5 becomes alternatives, with a warning", () => {
  const converted = convertAttribute(FILTER, String.raw`.*\.gif;.*\.js; .*\.html;`);
  assert.ok("value" in converted);
  assert.equal(converted.value, String.raw`.*\.gif|.*\.js|.*\.html`);
  assert.equal(converted.note?.level, "warn");
});
