import assert from "node:assert/strict";
import { test } from "node:test";
import { readXml } from "../../../src/config/read-xml.ts";
import { ServerXmlError } from "../../../src/config/server-xml-error.ts";

test("elements and attributes carry their places", () => {
  const root = readXml('<?xml version="1.0"?>\n<!-- one\ntwo -->\n<a\n  x="1"\n    y = \'2\'>\n  <b z="3"/> </a>\n', "f.xml");
  assert.deepEqual(root.location, { file: "f.xml", line: 4, column: 1 });
  assert.deepEqual(root.attributes.get("x")?.location, { file: "f.xml", line: 5, column: 3 });
  assert.deepEqual(root.attributes.get("y")?.location, { file: "f.xml", line: 6, column: 5 });
  assert.deepEqual(root.children[0]?.location, { file: "f.xml", line: 7, column: 3 });
  assert.deepEqual(root.children[0]?.attributes.get("z")?.location, { file: "f.xml", line: 7, column: 6 });
});

test("a byte order mark does not move the places", () => {
  assert.deepEqual(readXml('\uFEFF<a x="1"/>', "f").attributes.get("x")?.location, { file: "f", line: 1, column: 4 });
});

test("character references and XML's entities are read", () => {
  const root = readXml('<a x="&lt;&amp;&quot;&apos;&gt;&#10;&#x41;">1 &lt; 2<![CDATA[ <3]]></a>', "f");
  assert.equal(root.attributes.get("x")?.value, "<&\"'>\nA");
  assert.equal(root.text, "1 < 2 <3");
});

test("what stands in a comment is not there", () => {
  assert.equal(readXml("<a><!-- <b/> --></a>", "f").children.length, 0);
});

for (const [name, text, expected] of [
  ["an empty file", "", /^f:1:1: Malformed XML: The file contains no element$/],
  ["text only", "hello", /^f:1:1: Malformed XML: /],
  ["a start tag that does not end", "<a>\n<b", /^f:2:2: Malformed XML: .*inside <a> of line 1$/],
  ["an end tag that does not fit", "<a>\n  <b></a>", /^f:2:9: Malformed XML: .*inside <b> of line 2$/],
  ["an element that does not end", "<a><b/>", /Malformed XML: .*inside <a> of line 1$/],
  ["a typographic quote", '<a b="1" c=”x”/>', /^f:1:12: .*found "”"$/],
  ["an attribute without quotes", "<a b=1/>", /^f:1:6: /],
  ["no space between attributes", '<a b="1"c="2"/>', /^f:1:9: /],
  ["a quote that is missing", '<a b="x>\n<c d="1"/></a>', /^f:2:7: |contains "<"/],
  ["an attribute that stands twice", '<a b="1" b="2"/>', /^f:1:10: .*Attribute "b" stands twice in <a>$/],
  ["a second root", "<a/><b/>", /^f:1:5: .*A second root element, <b>, follows <a>$/],
  ["text behind the root", "<a/>\nhello", /^f:2:1: /],
  ["an entity that XML does not have", "<a>&nbsp;</a>", /Malformed XML: Invalid character entity/],
  ["a document type", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', /^f:1:1: .*DOCTYPE.*is not supported$/],
] as const) {
  test(`${name} is refused with its place`, () => {
    assert.throws(
      () => readXml(text, "f"),
      (error) => {
        assert.ok(error instanceof ServerXmlError);
        assert.equal(error.code, "INVALID_SERVER_XML");
        assert.deepEqual(
          error.problems.map((problem) => problem.code),
          ["MALFORMED_XML"],
        );
        assert.match(error.message, expected);
        return true;
      },
    );
  });
}

test("depth is bounded", () => {
  assert.throws(() => readXml("<a>".repeat(10_000), "f"), /nested more than 32 deep/);
});

test("length is bounded", () => {
  assert.throws(() => readXml(" ".repeat(5 * 1024 * 1024), "f"), /longer than/);
});
