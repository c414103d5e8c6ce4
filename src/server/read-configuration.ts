// conf/server.xml of a base folder, read and parsed.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileErrorReason, type Logger, TomcatClusterError } from "../base/index.ts";
import { parseServerXml, type ServerConfig } from "../config/index.ts";

/** The base folder has no conf/server.xml, or it cannot be read. */
export class MissingConfigurationError extends TomcatClusterError {
  readonly code = "MISSING_CONFIGURATION";

  constructor(file: string, cause: unknown) {
    super(`Cannot read "${file}": ${fileErrorReason(cause)}; --base must name a folder with conf/server.xml and webapps/`, { cause });
  }
}

/** Logs what the parser noted. Throws MissingConfigurationError, or ServerXmlError with every problem of the file. */
export async function readConfiguration(
  base: string,
  environment: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): Promise<ServerConfig> {
  const file = join(base, "conf", "server.xml");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new MissingConfigurationError(file, error);
  }
  const { config, notes } = parseServerXml(text, { file, environment, readFile: (path) => readFileSync(path, "utf8") });
  for (const { level, message, location } of notes) {
    logger[level]({ note: message, file: location.file, line: location.line, column: location.column }, "Note on server.xml");
  }
  return config;
}
