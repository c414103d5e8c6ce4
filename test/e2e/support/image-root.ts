// The root file system of our image, as deploy/image makes it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ImageConfig } from "./docker-archive.ts";
import { dockerfileConfig } from "./dockerfile.ts";

const FOLDER = join(import.meta.dirname, "../../../deploy/image");

export const IMAGE_CONFIG: ImageConfig = dockerfileConfig(join(FOLDER, "Dockerfile"));

/** Makes it in `folder`, which must not be there. Takes about 15 s, and npm's registry and Debian's archive or what is cached of them. */
export async function makeImageRoot(folder: string): Promise<void> {
  await promisify(execFile)(join(FOLDER, "make-root.sh"), [folder], { env: { ...process.env, SOURCE_DATE_EPOCH: "0" } });
}
