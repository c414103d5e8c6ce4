// Resolves every name of an element tree in the registry and types every attribute; says of each wrong one what is known.
import { closestName } from "../base/index.ts";
import { convertAttribute, describeType } from "./attribute-type.ts";
import { CheckedElement } from "./checked-element.ts";
import { CLASS_NAMES } from "./class-names.ts";
import { type PlaceholderSources, replacePlaceholders } from "./placeholders.ts";
import { ELEMENTS } from "./registry/elements.ts";
import type { AttributeEntry, ChildEntry, ClassEntry, Support } from "./registry/entry.ts";
import { classesOf, findClass } from "./registry/registry.ts";
import type { Report, Subject } from "./report.ts";
import type { AttributeValue, Location } from "./server-config.ts";
import type { XmlAttribute, XmlElement } from "./xml-element.ts";

const ROOT = "Server";
const CLASS_NAME = "className";
const ROOT_PLACE: ChildEntry = { many: false, required: true, defaultClassName: CLASS_NAMES.standardServer };

/** Undefined when the root is unusable. Problems and notes go to `report`; what was refused is left out of the result. */
export function checkServerXml(root: XmlElement, sources: PlaceholderSources, report: Report): CheckedElement | undefined {
  if (root.name !== ROOT) {
    report.problem("UNKNOWN_ELEMENT", root, `the root element must be <${ROOT}>`);
    return undefined;
  }
  const outcome = new ServerXmlCheck(sources, report).check(root, undefined, ROOT_PLACE);
  return outcome instanceof CheckedElement ? outcome : undefined;
}

/** "dropped": accepted, but nothing of it remains. */
type Outcome = CheckedElement | "dropped" | "refused";

class ServerXmlCheck {
  readonly #sources: PlaceholderSources;
  readonly #report: Report;

  constructor(sources: PlaceholderSources, report: Report) {
    this.#sources = sources;
    this.#report = report;
  }

  check(element: XmlElement, parent: string | undefined, place: ChildEntry): Outcome {
    const entry = ELEMENTS[element.name]!;
    if (entry.support.status !== "works") return this.#unsupported(element, "the element", entry.support);
    const resolved = this.#resolveClass(element, parent, place);
    if (resolved === "dropped" || resolved === "refused") return resolved;
    const { attributes, given } = this.#attributes(element, resolved?.attributes ?? {});
    const { children, refused } = this.#children(element, entry.children);
    if (element.text !== "" && !entry.text) this.#report.problem("INVALID_VALUE", element, "text has no meaning here; is a comment meant?");
    return new CheckedElement({
      name: element.name,
      className: resolved?.className ?? "",
      attributes,
      given,
      children,
      refused,
      content: entry.text
        ? (this.#replace(element, { name: element.name, location: element.location }, element.text, element.location) ?? "")
        : "",
      location: element.location,
    });
  }

  #resolveClass(element: XmlElement, parent: string | undefined, place: ChildEntry): ClassEntry | "dropped" | "refused" | undefined {
    const known = classesOf(element.name);
    if (known.length === 0) return undefined;
    const attribute = element.attributes.get(CLASS_NAME);
    const className = attribute?.value.trim() ?? place.defaultClassName;
    const inPlace = known.filter((one) => one.parents === undefined || parent === undefined || one.parents.includes(parent));
    if (className === undefined) {
      this.#report.problem("MISSING", element, `className is missing; known: ${workingNames(inPlace)}`);
      return "refused";
    }
    const found = findClass(element.name, className);
    if (found === undefined) {
      const message = `unknown class "${className}"${didYouMean(closestClassName(className, known))}; known: ${workingNames(inPlace)}`;
      this.#report.attributeProblem("UNKNOWN_CLASS", element, attribute ?? element, message);
      return "refused";
    }
    if (found.support.status === "history" && found.support.useInstead !== undefined) {
      this.#report.note(
        "warn",
        element,
        `"${className}" is history (${found.support.reason}): taken as "${found.support.useInstead}"`,
        attribute,
      );
      return findClass(element.name, found.support.useInstead);
    }
    if (found.support.status !== "works") return this.#unsupported(element, `"${className}"`, found.support, attribute);
    if (!inPlace.includes(found)) {
      this.#report.attributeProblem(
        "UNKNOWN_CLASS",
        element,
        attribute ?? element,
        `"${className}" may stand in ${found.parents!.map(tag).join(", ")}, not in <${parent}>`,
      );
      return "refused";
    }
    return found;
  }

  #unsupported(element: XmlElement, what: string, support: Support, attribute?: XmlAttribute): "dropped" | "refused" {
    const report = this.#report;
    if (support.status === "ignored") report.note(support.level, element, `${what} is ignored: ${support.reason}`, attribute);
    else if (support.status === "history") report.note("warn", element, `${what} is history and ignored: ${support.reason}`, attribute);
    else {
      const message = `${what} is not supported in this version${support.status === "later" && support.instead ? `: ${support.instead}` : ""}`;
      if (attribute === undefined) report.problem("NOT_SUPPORTED", element, message);
      else report.attributeProblem("NOT_SUPPORTED", element, attribute, message);
      return "refused";
    }
    return "dropped";
  }

  #attributes(
    element: XmlElement,
    entries: ClassEntry["attributes"],
  ): { attributes: Record<string, AttributeValue>; given: Map<string, Location> } {
    const attributes: Record<string, AttributeValue> = {};
    const given = new Map<string, Location>();
    if (entries === "any") return { attributes, given };
    for (const attribute of element.attributes.values()) {
      if (attribute.name === CLASS_NAME && classesOf(element.name).length > 0) continue;
      const entry = Object.hasOwn(entries, attribute.name) ? entries[attribute.name]! : undefined;
      if (entry === undefined) this.#unknownAttribute(element, attribute, entries);
      else if (entry.support.status !== "works") this.#unsupportedAttribute(element, attribute, entry);
      else {
        const text = this.#replace(element, attribute, attribute.value, attribute.location);
        const value = text === undefined ? undefined : this.#convert(element, attribute, entry, text);
        given.set(attribute.name, attribute.location);
        if (value !== undefined) attributes[attribute.name] = value;
      }
    }
    for (const [name, entry] of Object.entries(entries)) {
      if (entry.support.status !== "works" || element.attributes.has(name)) continue;
      if (entry.default !== undefined) {
        const value = this.#convert(element, { name, location: element.location }, entry, String(entry.default));
        if (value !== undefined) attributes[name] = value;
      } else if (entry.required) {
        this.#report.problem("MISSING", element, `attribute "${name}" is missing: ${entry.description}`);
      }
    }
    return { attributes, given };
  }

  #unknownAttribute(element: XmlElement, attribute: XmlAttribute, entries: Readonly<Record<string, AttributeEntry>>): void {
    const working = Object.keys(entries).filter((name) => entries[name]!.support.status === "works");
    const hint = didYouMean(closestName(attribute.name, Object.keys(entries)));
    const known = working.length === 0 ? "it has none" : `known: ${working.join(", ")}`;
    this.#report.attributeProblem("UNKNOWN_ATTRIBUTE", element, attribute, `unknown attribute${hint}; ${known}`);
  }

  #unsupportedAttribute(element: XmlElement, attribute: XmlAttribute, { support, default: accepted }: AttributeEntry): void {
    if (support.status === "later") {
      const text = this.#replace(element, attribute, attribute.value, attribute.location);
      if (text === undefined || (accepted !== undefined && text.trim().toLowerCase() === String(accepted).toLowerCase())) return;
    }
    this.#unsupported(element, `"${attribute.value}"`, support, attribute);
  }

  #convert(element: XmlElement, attribute: Subject, entry: AttributeEntry, text: string): AttributeValue | undefined {
    const converted = convertAttribute(entry.type, text);
    if ("value" in converted) {
      if (converted.note !== undefined) this.#report.note(converted.note.level, element, converted.note.message, attribute);
      return converted.value;
    }
    if ("later" in converted) this.#report.attributeProblem("NOT_SUPPORTED", element, attribute, converted.later);
    else
      this.#report.attributeProblem(
        "INVALID_VALUE",
        element,
        attribute,
        `${converted.problem}${text === "" ? ` (${describeType(entry.type)})` : ""}`,
      );
    return undefined;
  }

  #replace(element: XmlElement, attribute: Subject, text: string, location: Location): string | undefined {
    const replaced = replacePlaceholders(text, this.#sources);
    if ("value" in replaced) return replaced.value;
    this.#report.attributeProblem("UNRESOLVED_PLACEHOLDER", element, { name: attribute.name, location }, replaced.problem);
    return undefined;
  }

  #children(element: XmlElement, places: Readonly<Record<string, ChildEntry>>): { children: CheckedElement[]; refused: Set<string> } {
    const children: CheckedElement[] = [];
    const refused = new Set<string>();
    const seen = new Map<string, number>();
    for (const child of element.children) {
      const place = Object.hasOwn(places, child.name) ? places[child.name]! : undefined;
      if (place === undefined) {
        this.#unknownElement(element, child, Object.keys(places));
        continue;
      }
      const firstLine = seen.get(child.name);
      if (firstLine !== undefined && !place.many) {
        this.#report.problem("DUPLICATE", child, `<${element.name}> has one already, in line ${firstLine}; more than one is not supported`);
        continue;
      }
      seen.set(child.name, child.location.line);
      const outcome = this.check(child, element.name, place);
      if (outcome instanceof CheckedElement) children.push(outcome);
      else if (outcome === "refused") refused.add(child.name);
    }
    for (const [name, place] of Object.entries(places)) {
      if (place.required && !seen.has(name)) this.#report.problem("MISSING", element, `it has no <${name}>`);
    }
    return { children, refused };
  }

  #unknownElement(parent: XmlElement, child: XmlElement, known: readonly string[]): void {
    const hint = didYouMean(closestName(child.name, known));
    const list = known.length === 0 ? `<${parent.name}> has no elements inside` : `known: ${known.map(tag).join(", ")}`;
    this.#report.problem("UNKNOWN_ELEMENT", child, `unknown element in <${parent.name}>${hint}; ${list}`);
  }
}

function tag(name: string): string {
  return `<${name}>`;
}

function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : ` (did you mean "${near}"?)`;
}

function workingNames(classes: readonly ClassEntry[]): string {
  return classes
    .filter((entry) => entry.support.status === "works")
    .map((entry) => entry.className)
    .join(", ");
}

/** Compares simple names too: users mistype the package or leave it out. */
function closestClassName(className: string, classes: readonly ClassEntry[]): string | undefined {
  const bySimpleName = new Map(classes.toReversed().map((entry) => [simpleName(entry.className), entry.className]));
  const near = closestName(simpleName(className), bySimpleName.keys());
  return near === undefined ? undefined : bySimpleName.get(near);
}

function simpleName(className: string): string {
  return className.slice(className.lastIndexOf(".") + 1);
}
