// `${NAME}`, `${NAME:-default}` and `${file:PATH}` in attribute values (Tomcat: IntrospectionUtils.replaceProperties; `file:` is ours).
import { asError } from "../base/index.ts";

/** Where placeholders get their values. Secrets come from files: the environment is visible to application code. */
export interface PlaceholderSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The whole file as text; throws when it cannot be read. */
  readFile(path: string): string;
}

export type Replaced = { readonly value: string } | { readonly problem: string };

const PLACEHOLDER = /\$\{([^{}]*)\}/g;
const FILE_PREFIX = "file:";
const DEFAULT_MARK = ":-";

/**
 * Replaces every placeholder once: what comes out of the environment or a file is not looked at again, so that a secret may
 * contain any characters. Line ends at the end of a file are dropped. A name that is not set and has no default is a problem
 * (Tomcat leaves the text as it stands).
 */
export function replacePlaceholders(text: string, sources: PlaceholderSources): Replaced {
  if (!text.includes("${")) return { value: text };
  let problem: string | undefined;
  const value = text.replace(PLACEHOLDER, (_, expression: string) => {
    const replaced = expression.startsWith(FILE_PREFIX)
      ? fromFile(expression.slice(FILE_PREFIX.length), sources)
      : fromEnvironment(expression, sources);
    if ("value" in replaced) return replaced.value;
    problem ??= replaced.problem;
    return "";
  });
  return problem === undefined ? { value } : { problem };
}

function fromEnvironment(expression: string, { environment }: PlaceholderSources): Replaced {
  const mark = expression.indexOf(DEFAULT_MARK);
  const name = mark === -1 ? expression : expression.slice(0, mark);
  if (name === "") return { problem: `"\${${expression}}" names no variable` };
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (value !== undefined) return { value };
  if (mark !== -1) return { value: expression.slice(mark + DEFAULT_MARK.length) };
  return { problem: `"\${${name}}" is not set in the environment: set it, or give a default with "\${${name}:-…}"` };
}

function fromFile(path: string, sources: PlaceholderSources): Replaced {
  if (path === "") return { problem: `"\${file:}" names no file` };
  try {
    return { value: sources.readFile(path).replace(/[\r\n]+$/, "") };
  } catch (error) {
    return { problem: `the file of "\${file:${path}}" cannot be read: ${asError(error).message}` };
  }
}
