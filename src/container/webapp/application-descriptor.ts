// What a folder says about the application in it: its package.json, and what is refused with a sentence.
import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { asError } from "../../base/index.ts";
import { ApplicationLoadError } from "../errors.ts";

export interface ApplicationDescriptor {
  readonly folder: string;
  /** Absolute path of the main module. */
  readonly main: string;
  /** `tomcatCluster.distributable`; default true: to keep sessions on several workers is why an application is here. */
  readonly distributable: boolean;
  /** `tomcatCluster.sessionTimeoutMinutes` in seconds; undefined: what server.xml says. */
  readonly sessionTimeoutSeconds: number | undefined;
  /** `tomcatCluster.sessionPathParameter`: whether ";jsessionid=" in the path leads to a session; default false. */
  readonly sessionPathParameter: boolean;
}

const KNOWN = ["distributable", "sessionTimeoutMinutes", "sessionPathParameter"];
const MAX_MINUTES = 525_600;

/** Rejects with ApplicationLoadError for what is not an application that this version runs. */
export async function describeApplication(docBase: string): Promise<ApplicationDescriptor> {
  const found = await stat(docBase).catch((error: unknown) => {
    throw new ApplicationLoadError(`"${docBase}" cannot be read: ${asError(error).message}`, { cause: error });
  });
  if (!found.isDirectory()) {
    throw new ApplicationLoadError(`"${basename(docBase)}" is an archive, which this version does not unpack: unpack it into a folder`);
  }
  if (await exists(join(docBase, "WEB-INF", "web.xml"))) {
    throw new ApplicationLoadError(
      `"${join(docBase, "WEB-INF", "web.xml")}": servlets are not supported in this version; give the application a package.json whose main module exports a request listener`,
    );
  }
  const file = join(docBase, "package.json");
  const manifest = await readManifest(file);
  return { folder: docBase, main: mainModule(file, manifest.main), ...settings(file, manifest.tomcatCluster) };
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readManifest(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new ApplicationLoadError(`"${file}" cannot be read: an application is a folder with a package.json`, { cause: error });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ApplicationLoadError(`"${file}" is not JSON: ${asError(error).message}`, { cause: error });
  }
  if (!isObject(parsed)) throw new ApplicationLoadError(`"${file}" does not contain an object`);
  return parsed;
}

/** As Node resolves "main", but without its silent way out to index.js when that leads nowhere. */
function mainModule(file: string, main: unknown): string {
  if (main !== undefined && typeof main !== "string") throw new ApplicationLoadError(`"${file}": "main" must be a string`);
  try {
    return createRequire(file).resolve(`./${main ?? "index.js"}`);
  } catch (error) {
    throw new ApplicationLoadError(`"${file}": its main module "${main ?? "index.js"}" does not exist; "main" names it`, { cause: error });
  }
}

function settings(
  file: string,
  block: unknown,
): Pick<ApplicationDescriptor, "distributable" | "sessionTimeoutSeconds" | "sessionPathParameter"> {
  if (block !== undefined && !isObject(block)) throw new ApplicationLoadError(`"${file}": "tomcatCluster" must be an object`);
  const given = block ?? {};
  for (const key of Object.keys(given)) {
    if (!KNOWN.includes(key)) {
      throw new ApplicationLoadError(`"${file}": "tomcatCluster" has no member "${key}". Known: ${KNOWN.join(", ")}`);
    }
  }
  const minutes = given.sessionTimeoutMinutes;
  if (minutes !== undefined && !(Number.isInteger(minutes) && Math.abs(minutes as number) <= MAX_MINUTES)) {
    throw new ApplicationLoadError(`"${file}": "tomcatCluster.sessionTimeoutMinutes" must be a whole number, 0 or less for never`);
  }
  return {
    distributable: flag(file, given, "distributable", true),
    sessionTimeoutSeconds: minutes === undefined ? undefined : (minutes as number) * 60,
    sessionPathParameter: flag(file, given, "sessionPathParameter", false),
  };
}

function flag(file: string, block: Record<string, unknown>, key: string, preset: boolean): boolean {
  const value = block[key] ?? preset;
  if (typeof value !== "boolean") throw new ApplicationLoadError(`"${file}": "tomcatCluster.${key}" must be true or false`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
