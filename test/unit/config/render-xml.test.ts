// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of server.xml look like those of templates
import assert from "node:assert/strict";
import { test } from "node:test";
import { readXml } from "../../../src/config/read-xml.ts";
import { renderServerXml, type XmlNode } from "../../../src/config/render-xml.ts";
import type { XmlElement } from "../../../src/config/xml-element.ts";

function toNode(element: XmlElement): XmlNode {
  return {
    name: element.name,
    attributes: Object.fromEntries([...element.attributes.values()].map(({ name, value }) => [name, value])),
    text: element.text,
    children: element.children.map(toNode),
  };
}

const HARD_TEXTS = [
  "",
  " leading and trailing ",
  `<>&"'`,
  "&amp; &#10; ]]>",
  "line\nbreak\r\nand\ttab",
  "${POD_NAME} ${file:/a b}",
  String.raw`.*\.css|a{1,2}[^<]"$`,
  "Größe 東京 \u{1F600}",
  "<!-- not a comment -->",
];

for (const text of HARD_TEXTS) {
  test(`${JSON.stringify(text)} reads back as it was`, () => {
    const node: XmlNode = {
      name: "a",
      attributes: { x: text, y: "1" },
      text: text.trim(),
      children: [{ name: "b", attributes: {}, text: "", children: [] }],
    };
    assert.deepEqual(toNode(readXml(renderServerXml(node), "f")), node);
  });
}

test("numbers and booleans become text, undefined is left out", () => {
  assert.equal(
    renderServerXml({ name: "a", attributes: { n: 8, b: false, u: undefined } }),
    '<?xml version="1.0" encoding="UTF-8"?>\n<a n="8" b="false" />\n',
  );
});

test("a start tag that is too long has one attribute a line", () => {
  const attributes = { first: "x".repeat(70), second: "y".repeat(70) };
  const lines = renderServerXml({ name: "a", attributes, children: [{ name: "b" }] }).split("\n");
  assert.equal(lines[1], `<a first="${attributes.first}"`);
  assert.equal(lines[2], `   second="${attributes.second}">`);
  assert.equal(lines[3], "  <b />");
});

for (const text of ["\u0000", "a\u001b", "\uFFFE", "\uD800"]) {
  test(`${JSON.stringify(text)} cannot be carried by XML and is refused`, () => {
    assert.throws(() => renderServerXml({ name: "a", attributes: { x: text } }), { code: "UNREPRESENTABLE_TEXT", message: /"a x"/ });
  });
}

test("a name that XML does not allow is refused", () => {
  assert.throws(() => renderServerXml({ name: 'a b="1"' }), TypeError);
  assert.throws(() => renderServerXml({ name: "a", attributes: { "x>": "1" } }), TypeError);
});
