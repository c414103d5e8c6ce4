// What runs left behind that could not end in good order: their folders, told by a process id that no process has any more.
import { lstat, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../base/index.ts";

/** How the folder of every run begins. */
export const RUN_FOLDER_PREFIX = "tomcat-cluster-";

const OWNER_FILE = "local.pid";
const PROCESS_ID = /^[1-9]\d{0,9}$/;

/** Writes down whose folder this is: nobody removes it while that process runs. */
export async function markRunFolder(folder: string, pid: number): Promise<void> {
  await writeFile(join(folder, OWNER_FILE), String(pid));
}

/**
 * Removes the folders of runs whose process is gone, and only those that belong to this user. What cannot be judged or removed
 * stays. A process id that the system has given away again keeps a folder until that process has ended too.
 */
export async function removeDeadRuns(parent: string, isRunning: (pid: number) => boolean = processExists): Promise<void> {
  const entries = await readdir(parent, { withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isDirectory() || !entry.name.startsWith(RUN_FOLDER_PREFIX)) continue;
    const folder = join(parent, entry.name);
    const pid = await ownerOf(folder);
    if (pid !== undefined && !isRunning(pid)) await removeIfPossible(folder);
  }
}

/** Undefined for a folder of another user and for one that no run has marked. */
async function ownerOf(folder: string): Promise<number | undefined> {
  try {
    const { uid } = await lstat(folder);
    if (uid !== (process.getuid?.() ?? uid)) return undefined;
    const text = await readFile(join(folder, OWNER_FILE), "utf8");
    return PROCESS_ID.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined; // Another start has removed it, or nobody has marked it.
  }
}

async function removeIfPossible(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    // A process that the dead run left behind still writes into it: the next start tries again.
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/** Signal 0 asks without doing anything; a process of another user answers EPERM. */
function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) !== "ESRCH";
  }
}
