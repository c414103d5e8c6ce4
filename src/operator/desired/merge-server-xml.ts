// A user's own server.xml and ours, made one: element by element, and never one over the other.
import {
  parseServerXmlTree,
  readXml,
  renderServerXml,
  ServerXmlError,
  type ServerXmlProblem,
  type XmlElement,
  type XmlNode,
} from "../../config/index.ts";
import type { OwnServerXml } from "./desired-inputs.ts";

/** Elements of which a parent has one. */
const SINGLE = new Set([
  ...["Server", "Service", "Engine", "DefaultContext", "CookieProcessor"],
  ...["Cluster", "Manager", "Channel", "Membership", "Receiver", "Sender", "Transport"],
]);
/** What tells several apart. */
const KEYS: Readonly<Record<string, string>> = {
  Connector: "port",
  Host: "name",
  Context: "path",
  Valve: "className",
  Interceptor: "className",
  ClusterListener: "className",
};
/** What pods have, as far as the file can be read without one. */
const SOME_POD = { POD_NAME: "pod-0", POD_IP: "10.0.0.1", DNS_MEMBERSHIP_SERVICE_NAME: "members" };

/**
 * Ours, with every attribute and element of the user's that ours lacks. An attribute that both have must be the same; the order of
 * interceptors is ours, so there are no others. Throws ServerXmlError with every problem, at its place in the user's file.
 */
export function mergeServerXml(ours: XmlNode, own: OwnServerXml): XmlNode {
  const theirs = readXml(own.text, own.file);
  if (theirs.name !== ours.name) {
    const message = `found <${theirs.name}>, the root element must be <${ours.name}>`;
    throw new ServerXmlError(own.file, [{ code: "UNKNOWN_ELEMENT", element: theirs.name, message, location: theirs.location }]);
  }
  const problems: ServerXmlProblem[] = [];
  const merged = mergeElement(readXml(renderServerXml(ours), "the manifest"), theirs, problems);
  if (problems.length === 0) problems.push(...problemsOfWorkers(merged, own.file));
  if (problems.length > 0) throw new ServerXmlError(own.file, problems);
  return toNode(merged);
}

/** What a worker would say, before any pod has the file. Variables and files that only pods have are left to them. */
function problemsOfWorkers(merged: XmlElement, file: string): readonly ServerXmlProblem[] {
  try {
    parseServerXmlTree(merged, { file, environment: SOME_POD, readFile: unreadable });
    return [];
  } catch (error) {
    if (!(error instanceof ServerXmlError)) throw error;
    const isUnresolved = ({ code }: ServerXmlProblem) => code === "UNRESOLVED_PLACEHOLDER";
    if (!error.problems.some(isUnresolved)) return error.problems;
    return error.problems.filter((problem) => !isUnresolved(problem) && problem.code !== "MISSING");
  }
}

function unreadable(path: string): never {
  throw new Error(`"${path}" can be read in pods only`);
}

function mergeElement(ours: XmlElement, theirs: XmlElement, problems: ServerXmlProblem[]): XmlElement {
  const attributes = new Map(ours.attributes);
  for (const attribute of theirs.attributes.values()) {
    const { name, value, location } = attribute;
    const present = attributes.get(name);
    if (present === undefined) attributes.set(name, attribute);
    else if (present.value !== value) {
      const message = `${name}="${value}" of ${theirs.name} is not what the manifest makes it, "${present.value}": remove the attribute`;
      problems.push({ code: "CONFLICT", element: theirs.name, attribute: name, message, location });
    }
  }
  const children = [...ours.children];
  for (const child of theirs.children) {
    const index = children.findIndex((candidate) => isSame(candidate, child));
    if (index !== -1) children[index] = mergeElement(children[index]!, child, problems);
    else if (child.name === "Interceptor") {
      const message = "The manifest says which interceptors there are, in the order that they need: remove this one";
      problems.push({ code: "CONFLICT", element: child.name, message, location: child.location });
    } else children.push(child);
  }
  return { ...ours, attributes, children };
}

function isSame(ours: XmlElement, theirs: XmlElement): boolean {
  if (ours.name !== theirs.name) return false;
  if (SINGLE.has(ours.name)) return true;
  if (ours.name === "Alias") return ours.text === theirs.text;
  const key = KEYS[ours.name];
  return key !== undefined && ours.attributes.get(key)?.value === theirs.attributes.get(key)?.value;
}

function toNode({ name, attributes, text, children }: XmlElement): XmlNode {
  const values = Object.fromEntries(Array.from(attributes.values(), (attribute) => [attribute.name, attribute.value]));
  return { name, attributes: values, text, children: children.map(toNode) };
}
