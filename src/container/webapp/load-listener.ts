// Imports an application's main module and takes the request listener that it exports.
import type { IncomingMessage, ServerResponse } from "node:http";
import { pathToFileURL } from "node:url";
import { asError } from "../../base/index.ts";
import { ApplicationLoadError } from "../errors.ts";
import type { ApplicationDescriptor } from "./application-descriptor.ts";

/** What node:http calls a request listener; a promise that it returns is watched for its rejection only. */
export type RequestListener = (req: IncomingMessage, res: ServerResponse) => unknown;

/** Rejects with ApplicationLoadError when the module throws or exports no function by default. */
export async function loadListener(application: ApplicationDescriptor): Promise<RequestListener> {
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(application.main).href)) as { default?: unknown };
  } catch (error) {
    throw new ApplicationLoadError(`"${application.main}" failed to load: ${asError(error).message}`, { cause: error });
  }
  const listener = unwrap(loaded.default);
  if (typeof listener === "function") return listener as RequestListener;
  throw new ApplicationLoadError(`"${application.main}" must export a request listener (req, res) by default${hint(listener)}`);
}

/** A CommonJS module that a compiler made of an ES module exports an object with `default`. */
function unwrap(exported: unknown): unknown {
  if (typeof exported === "object" && exported !== null && "__esModule" in exported && "default" in exported) return exported.default;
  return exported;
}

function hint(exported: unknown): string {
  if (exported === undefined) return "; it has no default export";
  if (exported instanceof Promise) return "; it exports a promise: await it in the module";
  const known = exported as { callback?: unknown; routing?: unknown } | null;
  if (typeof known?.callback === "function") return "; of a Koa application, export app.callback()";
  if (typeof known?.routing === "function") return "; of a Fastify application, await app.ready() and export app.routing";
  return `; it exports ${exported === null ? "null" : `a value of type "${typeof exported}"`}`;
}
