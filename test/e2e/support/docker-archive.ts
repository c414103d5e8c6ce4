// Packs a folder as an image, in the form of `docker save`, which containerd imports: no registry and no builder needed.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** Of the image, with the names of the OCI image configuration: what a Dockerfile's ENTRYPOINT, CMD, ENV, USER and WORKDIR say. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** "NAME=value". */
  readonly Env?: readonly string[];
  /** Pods that must not run as root need a number here, or say one themselves. */
  readonly User?: string;
  readonly WorkingDir?: string;
}

const ARCHITECTURES: Record<string, string> = { x64: "amd64", arm64: "arm64" };
/** The same content makes the same image: names in order, one owner, one time. */
const REPRODUCIBLE = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];

/**
 * Writes the folder `root` as an image of one layer into the file `archive`. All files belong to root in it; modes stay as they are.
 * `reference` is the image's name as pods write it ("registry.local/pause:1"). Rejects with what `tar` says.
 */
export async function packImage(root: string, reference: string, config: ImageConfig, archive: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "image-"));
  try {
    tar("--directory", root, "--file", join(work, "layer.tar"), ".");
    const image = {
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: [`sha256:${await sha256OfFile(join(work, "layer.tar"))}`] },
    };
    writeFileSync(join(work, "config.json"), JSON.stringify(image));
    writeFileSync(join(work, "manifest.json"), JSON.stringify([{ Config: "config.json", RepoTags: [reference], Layers: ["layer.tar"] }]));
    tar("--directory", work, "--file", archive, "manifest.json", "config.json", "layer.tar");
  } finally {
    rmSync(work, { recursive: true });
  }
}

function tar(...args: string[]): void {
  execFileSync("tar", ["--create", ...REPRODUCIBLE, ...args], { stdio: ["ignore", "ignore", "pipe"] });
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
