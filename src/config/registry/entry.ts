// What one line of the registry says about an element, a class or an attribute, and the short forms to write it.
import type { AttributeType, ChoiceType, TextForm } from "../attribute-type.ts";
import type { AttributeValue } from "../server-config.ts";

export type Support =
  | { readonly status: "works" }
  /** Accepted without effect; `debug` for what every stock server.xml contains. */
  | { readonly status: "ignored"; readonly reason: string; readonly level: "debug" | "info" | "warn" }
  /** Tomcat has it and a later version will: refused, with what to do until then. */
  | { readonly status: "later"; readonly instead?: string }
  /** Older Tomcats had it: accepted with a warning, as the class `useInstead` or, without one, dropped. */
  | { readonly status: "history"; readonly reason: string; readonly useInstead?: string };

export interface AttributeEntry {
  readonly type: AttributeType;
  /** Tomcat's, unless `ours` or `tomcat` says otherwise. */
  readonly default?: AttributeValue;
  readonly required: boolean;
  readonly support: Support;
  /** Apache Tomcat does not know the attribute. */
  readonly ours: boolean;
  /** How Apache Tomcat's attribute of that name differs, in a few words. */
  readonly tomcat?: string;
  /** The rule of the promise that it belongs to. */
  readonly rule?: number;
  /** Contract in one line, units included. */
  readonly description: string;
}

export interface ClassEntry {
  readonly element: string;
  readonly className: string;
  /** Parents that it may stand in, where not every parent of the element will do. */
  readonly parents?: readonly string[];
  readonly support: Support;
  /** "any": whatever stands there has no effect. */
  readonly attributes: Readonly<Record<string, AttributeEntry>> | "any";
}

export interface ChildEntry {
  readonly many: boolean;
  readonly required: boolean;
  /** Class of an element without className; without one, className must be given. */
  readonly defaultClassName?: string;
}

export interface ElementEntry {
  readonly support: Support;
  readonly children: Readonly<Record<string, ChildEntry>>;
  /** It contains text and no class stands behind it. */
  readonly text: boolean;
}

interface AttributeOptions {
  readonly default?: AttributeValue;
  readonly required?: boolean;
  readonly ours?: boolean;
  readonly tomcat?: string;
  readonly rule?: number;
}

const WORKS: Support = { status: "works" };

function attribute(type: AttributeType, description: string, options: AttributeOptions = {}): AttributeEntry {
  return { type, description, required: false, ours: false, support: WORKS, ...options };
}

export function text(description: string, options: AttributeOptions & { readonly form?: TextForm } = {}): AttributeEntry {
  const { form, ...rest } = options;
  return attribute({ kind: "text", ...(form === undefined ? {} : { form }) }, description, rest);
}

export function integer(description: string, min: number, max: number, options: AttributeOptions = {}): AttributeEntry {
  return attribute({ kind: "integer", min, max }, description, options);
}

export function boolean(description: string, defaultValue?: boolean, options: AttributeOptions = {}): AttributeEntry {
  return attribute({ kind: "boolean" }, description, defaultValue === undefined ? options : { default: defaultValue, ...options });
}

export function choice(description: string, type: Omit<ChoiceType, "kind">, options: AttributeOptions = {}): AttributeEntry {
  return attribute({ kind: "choice", ...type }, description, options);
}

export function typed(kind: "uriFilter" | "sendOptions", description: string, options: AttributeOptions = {}): AttributeEntry {
  return attribute({ kind }, description, options);
}

/** Attributes that are accepted without effect, all for one reason. */
export function ignored(
  reason: string,
  names: readonly string[],
  level: "debug" | "info" | "warn" = "info",
): Record<string, AttributeEntry> {
  return withSupport(names, { status: "ignored", reason, level });
}

/** Attributes that older Tomcats had. */
export function history(reason: string, names: readonly string[]): Record<string, AttributeEntry> {
  return withSupport(names, { status: "history", reason });
}

/** Attributes that come later. The default, where given, is accepted: it asks for what happens anyway. */
export function later(defaults: Readonly<Record<string, AttributeValue | undefined>>, instead?: string): Record<string, AttributeEntry> {
  const support: Support = { status: "later", ...(instead === undefined ? {} : { instead }) };
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [
      name,
      { ...withSupport([name], support)[name]!, ...(value === undefined ? {} : { default: value }) },
    ]),
  );
}

function withSupport(names: readonly string[], support: Support): Record<string, AttributeEntry> {
  const entry: AttributeEntry = { type: { kind: "text" }, description: "", required: false, ours: false, support };
  return Object.fromEntries(names.map((name) => [name, entry]));
}

export function works(
  element: string,
  className: string,
  attributes: Record<string, AttributeEntry>,
  parents?: readonly string[],
): ClassEntry {
  return { element, className, attributes, support: WORKS, ...(parents === undefined ? {} : { parents }) };
}

export function classLater(element: string, className: string, instead?: string): ClassEntry {
  return { element, className, attributes: "any", support: { status: "later", ...(instead === undefined ? {} : { instead }) } };
}

export function classIgnored(element: string, className: string, reason: string, level: "debug" | "info" | "warn" = "debug"): ClassEntry {
  return { element, className, attributes: "any", support: { status: "ignored", reason, level } };
}

export function classHistory(element: string, className: string, reason: string, useInstead?: string): ClassEntry {
  return {
    element,
    className,
    attributes: "any",
    support: { status: "history", reason, ...(useInstead === undefined ? {} : { useInstead }) },
  };
}
