// Names of hosts and contexts in the form in which they are compared.
import type { CheckedElement } from "./checked-element.ts";

/** Of a Host or an Alias: host names do not distinguish case. */
export function hostNameOf(element: CheckedElement): string {
  return (element.name === "Alias" ? element.content : (element.optionalText("name") ?? "")).toLowerCase();
}

/** "" for the root application; undefined when the check has refused it. */
export function contextPathOf(context: CheckedElement): string | undefined {
  const path = context.attributes.path;
  return typeof path === "string" ? (path === "/" ? "" : path) : undefined;
}

/** The folder or archive of a context path by Tomcat's naming: "ROOT", "shop", "shop#admin". */
export function baseNameOf(path: string): string {
  return path === "" ? "ROOT" : path.slice(1).replaceAll("/", "#");
}
