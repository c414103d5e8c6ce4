// Types of attributes in server.xml: from the text in the file to the value that the worker uses.

import { parseSendOptions } from "./send-options.ts";
import type { AttributeValue } from "./server-config.ts";

export type AttributeType =
  | { readonly kind: "text"; readonly form?: TextForm }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | { readonly kind: "boolean" }
  | ChoiceType
  | { readonly kind: "uriFilter" }
  | { readonly kind: "sendOptions" };

export interface TextForm {
  readonly pattern: RegExp;
  /** Completes "must be …". */
  readonly description: string;
  /** The value must not stand in messages. */
  readonly secret?: true;
}

export interface ChoiceType {
  readonly kind: "choice";
  readonly values: readonly string[];
  /** Other spellings, with the value that each stands for. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Values that Tomcat has and a later version will have, with a sentence each. */
  readonly later?: Readonly<Record<string, string>>;
}

export interface ConversionNote {
  readonly level: "debug" | "warn";
  readonly message: string;
}

export type Conversion =
  | { readonly value: AttributeValue; readonly note?: ConversionNote }
  /** What is wrong, as a sentence about the value. */
  | { readonly problem: string }
  | { readonly later: string };

/** Reads a value whose placeholders have been replaced. */
export function convertAttribute(type: AttributeType, text: string): Conversion {
  switch (type.kind) {
    case "text":
      if (type.form === undefined || type.form.pattern.test(text)) return { value: text };
      return { problem: `${type.form.secret ? `found ${text.length} characters` : `found "${text}"`}, must be ${type.form.description}` };
    case "integer":
      return convertInteger(text.trim(), type.min, type.max);
    case "boolean":
      return convertBoolean(text.trim());
    case "choice":
      return convertChoice(type, text.trim());
    case "uriFilter":
      return convertUriFilter(text);
    case "sendOptions":
      return parseSendOptions(text);
  }
}

/** "a whole number from 1 to 65535", for messages and for the printed reference. */
export function describeType(type: AttributeType): string {
  switch (type.kind) {
    case "text":
      return type.form?.description ?? "text";
    case "integer":
      return `a whole number from ${type.min}${type.max === Number.MAX_SAFE_INTEGER ? "" : ` to ${type.max}`}`;
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${type.values.join(", ")}`;
    case "uriFilter":
      return "a regular expression that matches the whole request URI";
    case "sendOptions":
      return "2, 4, 6, 8, 10, or a list of use_ack, synchronized_ack (sync), asynchronous (async)";
  }
}

function convertInteger(text: string, min: number, max: number): Conversion {
  const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return { value };
  return { problem: `found "${text}", must be ${describeType({ kind: "integer", min, max })}` };
}

/** Tomcat takes "yes" and "on" as well, and anything else as false, which hides mistakes. */
function convertBoolean(text: string): Conversion {
  const lower = text.toLowerCase();
  if (lower === "true" || lower === "yes" || lower === "on") return { value: true };
  if (lower === "false" || lower === "no" || lower === "off") return { value: false };
  return { problem: `found "${text}", must be true or false` };
}

function convertChoice({ values, aliases = {}, later = {} }: ChoiceType, text: string): Conversion {
  const value = Object.hasOwn(aliases, text) ? aliases[text]! : text;
  if (values.includes(value)) return { value };
  if (Object.hasOwn(later, value)) return { later: later[value]! };
  return { problem: `found "${text}", known: ${[...values, ...Object.keys(later)].join(", ")}` };
}

function convertRegularExpression(text: string): Conversion {
  const problem = regularExpressionProblem(text);
  return problem === undefined ? { value: text } : { problem: `"${text}" is not a regular expression: ${problem}` };
}

/** Tomcat 5 separated several patterns by ";": `.*\.gif;.*\.js;`. One that only contains ";" stays as it is. */
function convertUriFilter(text: string): Conversion {
  const parts = text.split(";").map((part) => part.trim());
  const patterns = parts.filter((part) => part !== "");
  const isList = text.includes(";") && patterns.length > 0 && patterns.every((part) => part.startsWith(".*"));
  if (!isList) return convertRegularExpression(text);
  const joined = patterns.join("|");
  const problem = patterns.map(regularExpressionProblem).find((found) => found !== undefined);
  if (problem !== undefined) return { problem: `"${text}" is not a list of regular expressions: ${problem}` };
  return { value: joined, note: { level: "warn", message: `a list separated by ";" is history: taken as the alternatives "${joined}"` } };
}

function regularExpressionProblem(text: string): string | undefined {
  try {
    new RegExp(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : String(error);
  }
}
