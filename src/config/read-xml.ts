// XML text -> element tree with the place of every element and attribute, on the sax package.
import sax, { type SAXOptions, type Tag } from "sax";
import type { Location } from "./server-config.ts";
import { ServerXmlError } from "./server-xml-error.ts";
import type { XmlAttribute, XmlElement } from "./xml-element.ts";

const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_DEPTH = 32;
const BYTE_ORDER_MARK = "\uFEFF";
/** XML's own five entities only; the package's types do not know this option. */
const SAX_OPTIONS = { position: true, strictEntities: true } as SAXOptions;
const ATTRIBUTE = /([^\s=<>/"']+)\s*=\s*("[^"]*"|'[^']*')/g;

interface OpenElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, XmlAttribute>;
  readonly children: XmlElement[];
  readonly location: Location;
  text: string;
}

/** Throws ServerXmlError with the place of the first thing that is not well-formed. Document type declarations are refused. */
export function readXml(source: string, file: string): XmlElement {
  const text = source.startsWith(BYTE_ORDER_MARK) ? source.slice(1) : source;
  if (text.length > MAX_CHARACTERS) throw malformed({ file, line: 1, column: 1 }, `The file is longer than ${MAX_CHARACTERS} characters`);
  return new XmlReader(text, file).read();
}

function malformed(location: Location, message: string): ServerXmlError {
  return new ServerXmlError(location.file, [{ code: "MALFORMED_XML", element: "", message, location }]);
}

class XmlReader {
  readonly #text: string;
  readonly #file: string;
  readonly #lineStarts: readonly number[];
  readonly #parser = new sax.SAXParser(true, SAX_OPTIONS);
  readonly #open: OpenElement[] = [];
  #root: XmlElement | undefined;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  }

  read(): XmlElement {
    const parser = this.#parser;
    parser.onerror = (error) => this.#fail(parser.position - 1, readableReason(error));
    parser.ondoctype = () =>
      this.#fail(this.#text.lastIndexOf("<!DOCTYPE", parser.position), "A document type declaration (DOCTYPE) is not supported");
    parser.onopentag = (tag) => this.#opened(tag);
    parser.onclosetag = () => this.#closed();
    parser.ontext = (text) => this.#addText(text);
    parser.oncdata = (text) => this.#addText(text);
    parser.write(this.#text).close();
    if (this.#root === undefined) return this.#fail(0, "The file contains no element");
    return this.#root;
  }

  #opened(tag: Tag | { name: string; attributes: object }): void {
    const start = this.#parser.startTagPosition - 1;
    if (this.#root !== undefined) this.#fail(start, `A second root element, <${tag.name}>, follows <${this.#root.name}>`);
    if (this.#open.length >= MAX_DEPTH) this.#fail(start, `Elements are nested more than ${MAX_DEPTH} deep`);
    this.#open.push({
      name: tag.name,
      attributes: this.#attributes(tag as Tag, start),
      children: [],
      location: this.#locate(start),
      text: "",
    });
  }

  /** The parser drops a repeated attribute silently and tells no places: both come from the text of the tag. */
  #attributes(tag: Tag, start: number): ReadonlyMap<string, XmlAttribute> {
    const attributes = new Map<string, XmlAttribute>();
    const tagText = this.#text.slice(start, this.#parser.position);
    for (const match of tagText.matchAll(ATTRIBUTE)) {
      const name = match[1]!;
      const offset = start + match.index;
      if (attributes.has(name)) this.#fail(offset, `Attribute "${name}" stands twice in <${tag.name}>`);
      if (match[2]!.includes("<"))
        this.#fail(offset, `The value of attribute "${name}" of <${tag.name}> contains "<": a quote may be missing`);
      attributes.set(name, { name, value: tag.attributes[name] ?? "", location: this.#locate(offset) });
    }
    return attributes;
  }

  #closed(): void {
    const closed = this.#open.pop();
    if (closed === undefined) return;
    const element: XmlElement = { ...closed, text: closed.text.trim() };
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = element;
    else parent.children.push(element);
  }

  #addText(text: string): void {
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.text += text;
    else if (text.trim() !== "") this.#fail(this.#parser.position - 1, "Text stands outside the root element");
  }

  #locate(offset: number): Location {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.#file, line: low + 1, column: offset - this.#lineStarts[low]! + 1 };
  }

  #fail(offset: number, reason: string): never {
    const inside = this.#open.at(-1);
    const place = inside === undefined ? "" : `, inside <${inside.name}> of line ${inside.location.line}`;
    throw malformed(this.#locate(Math.max(0, Math.min(offset, this.#text.length))), `Malformed XML: ${reason}${place}`);
  }
}

/** sax appends its own, zero-based position on further lines. */
function readableReason(error: Error): string {
  const [reason = "", , , character] = error.message.split("\n");
  const found = character?.replace(/^Char: ?/, "") ?? "";
  return `${reason.replace(/\.$/, "")}${found === "" ? "" : `, found "${found}"`}`;
}
