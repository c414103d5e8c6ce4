// Element tree -> XML text that reads back as the same tree.
import { TomcatClusterError } from "../base/index.ts";

/** What is to be rendered: attributes whose value is undefined are left out. */
export interface XmlNode {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Text inside the element, in front of its children. */
  readonly text?: string;
  readonly children?: readonly XmlNode[];
}

/** XML 1.0 cannot carry this text in any form. */
export class UnrepresentableTextError extends TomcatClusterError {
  readonly code = "UNREPRESENTABLE_TEXT";

  constructor(place: string) {
    super(`The text of "${place}" contains a control character or half a surrogate pair, which XML cannot carry: remove it`);
  }
}

const LINE_LENGTH = 120;
const NAME = /^[A-Za-z_][\w.-]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 excludes
const UNREPRESENTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** A whole document. Throws UnrepresentableTextError. Placeholders such as `${POD_NAME}` are text like any other. */
export function renderServerXml(root: XmlNode): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${renderElement(root, "")}`;
}

function renderElement({ name, attributes = {}, text = "", children = [] }: XmlNode, indent: string): string {
  const rendered = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([attribute, value]) => `${checkName(attribute)}="${escapeText(String(value), `${name} ${attribute}`)}"`);
  const start = `${indent}<${checkName(name)}`;
  const oneLine = [start, ...rendered].join(" ");
  const opening = oneLine.length <= LINE_LENGTH ? oneLine : `${start} ${rendered.join(`\n${" ".repeat(start.length + 1)}`)}`;
  if (text === "" && children.length === 0) return `${opening} />\n`;
  if (children.length === 0) return `${opening}>${escapeText(text, name)}</${name}>\n`;
  const inside = children.map((child) => renderElement(child, `${indent}  `)).join("");
  return `${opening}>${escapeText(text, name)}\n${inside}${indent}</${name}>\n`;
}

function checkName(name: string): string {
  if (!NAME.test(name)) throw new TypeError(`"${name}" is not an XML name`);
  return name;
}

function escapeText(text: string, place: string): string {
  if (UNREPRESENTABLE.test(text) || !text.isWellFormed()) throw new UnrepresentableTextError(place);
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}
