// Finds the applications in a host's folder by Tomcat's naming: ROOT, "shop", "shop#api".
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Logger, systemErrorCode } from "../../base/index.ts";
import { exists } from "./application-descriptor.ts";

export interface FoundApplication {
  /** Context path: "" for ROOT, "/shop/api" for "shop#api". */
  readonly path: string;
  /** Absolute path of folder or archive. */
  readonly docBase: string;
}

const ARCHIVE = /\.(war|tgz)$/;
/** What lies beside applications: hidden entries, shared packages, the root of a file system. */
const IGNORED = /^(\..*|node_modules|lost\+found)$/;
const CONTEXT_NAME = /^[^\s?%;\\<>"/]+$/;

/**
 * Folders and archives in the order of their names. A folder that is no application (neither package.json nor WEB-INF) is
 * reported and left out; an archive is left out when it is unpacked beside.
 */
export async function scanAppBase(appBase: string, logger: Logger): Promise<FoundApplication[]> {
  let names: string[];
  try {
    names = await readdir(appBase);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    logger.warn({ appBase }, "Folder of applications does not exist");
    return [];
  }
  const present = new Set(names);
  const found: FoundApplication[] = [];
  for (const name of names.sort()) {
    if (IGNORED.test(name)) continue;
    const docBase = join(appBase, name);
    const contextName = name.replace(ARCHIVE, "");
    if (contextName !== name ? present.has(contextName) : !(await isApplication(docBase, logger))) continue;
    if (CONTEXT_NAME.test(contextName) && !contextName.includes("##")) found.push({ path: contextPath(contextName), docBase });
    else logger.warn({ docBase }, "Folder is not deployed: its name is not a context path, or has a version (##)");
  }
  return found;
}

function contextPath(name: string): string {
  return name === "ROOT" ? "" : `/${name.replaceAll("#", "/")}`;
}

async function isApplication(docBase: string, logger: Logger): Promise<boolean> {
  if (!(await stat(docBase)).isDirectory()) return false;
  if ((await exists(join(docBase, "package.json"))) || (await exists(join(docBase, "WEB-INF")))) return true;
  logger.warn({ docBase }, "Folder is not deployed: it has no package.json");
  return false;
}
