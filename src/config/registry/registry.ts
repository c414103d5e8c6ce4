// The one table by which server.xml's names are resolved: class -> element, attributes, support in this version.
import { type AttributeType, describeType } from "../attribute-type.ts";
import type { AttributeValue } from "../server-config.ts";
import { CHANNEL_CLASSES } from "./channel-classes.ts";
import { CLUSTER_CLASSES } from "./cluster-classes.ts";
import { CONNECTOR_CLASSES } from "./connector-classes.ts";
import { CONTAINER_CLASSES } from "./container-classes.ts";
import type { ClassEntry, Support } from "./entry.ts";
import { MEMBERSHIP_CLASSES } from "./membership-classes.ts";

const CLASSES: readonly ClassEntry[] = [
  ...CONTAINER_CLASSES,
  ...CONNECTOR_CLASSES,
  ...CLUSTER_CLASSES,
  ...CHANNEL_CLASSES,
  ...MEMBERSHIP_CLASSES,
];

const byElement = Map.groupBy(CLASSES, (entry) => entry.element);

/** The classes that may stand behind an element; empty for an element without className. */
export function classesOf(element: string): readonly ClassEntry[] {
  return byElement.get(element) ?? [];
}

export function findClass(element: string, className: string): ClassEntry | undefined {
  return classesOf(element).find((entry) => entry.className === className);
}

/** What an element without attributes has. */
export function defaultAttributes(element: string, className: string): Readonly<Record<string, AttributeValue>> {
  const attributes = findClass(element, className)?.attributes;
  if (attributes === undefined || attributes === "any") return {};
  const working = Object.entries(attributes).filter(([, entry]) => entry.support.status === "works");
  return Object.fromEntries(working.flatMap(([name, entry]) => (entry.default === undefined ? [] : [[name, entry.default]])));
}

/** One attribute of server.xml as documentation prints it. */
export interface AttributeDescription {
  readonly element: string;
  readonly className: string;
  readonly attribute: string;
  readonly type: AttributeType["kind"];
  /** What values it takes, as words. */
  readonly values: string;
  readonly default: AttributeValue | undefined;
  readonly support: Support["status"];
  readonly ours: boolean;
  readonly tomcat: string | undefined;
  readonly rule: number | undefined;
  readonly description: string;
}

/** Every attribute that has an effect in this version, in the order of the registry. */
export function describeServerXml(): readonly AttributeDescription[] {
  return CLASSES.flatMap(({ element, className, attributes }) =>
    Object.entries(attributes === "any" ? {} : attributes)
      .filter(([, entry]) => entry.support.status === "works")
      .map(([attribute, entry]) => ({
        element,
        className,
        attribute,
        type: entry.type.kind,
        values: describeType(entry.type),
        default: entry.default,
        support: entry.support.status,
        ours: entry.ours,
        tomcat: entry.tomcat,
        rule: entry.rule,
        description: entry.description,
      })),
  );
}
