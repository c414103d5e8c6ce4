// Packs a folder as an image, in the form of `docker save`, which containerd imports: no registry and no builder needed.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** Of the image, with the names of the OCI image configuration: what a Dockerfile's ENTRYPOINT, CMD, ENV, USER, WORKDIR, LABEL say. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** "NAME=value". */
  readonly Env?: readonly string[];
  /** Pods that must not run as root need a number here, or say one themselves. */
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

const ARCHITECTURES: Record<string, string> = { x64: "amd64", arm64: "arm64" };
/** The same content makes the same image: names in order, one owner, one time. */
const REPRODUCIBLE = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];

/**
 * Writes the folder `root` as an image into the file `archive`, with a layer for each folder in `over` above it; images with the same root
 * share that layer where they are imported. All files belong to root in it; modes stay as they are. `reference` is the image's name as
 * pods write it ("registry.local/pause:1"). Rejects with what `tar` says.
 */
export async function packImage(
  root: string,
  reference: string,
  config: ImageConfig,
  archive: string,
  over: readonly string[] = [],
): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "image-"));
  try {
    const layers = [root, ...over].map((folder, index) => ({ folder, name: `layer-${index}.tar` }));
    for (const { folder, name } of layers) tar("--directory", folder, "--file", join(work, name), ".");
    const digests = await Promise.all(layers.map(({ name }) => sha256OfFile(join(work, name))));
    const image = {
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: digests.map((digest) => `sha256:${digest}`) },
    };
    writeFileSync(join(work, "config.json"), JSON.stringify(image));
    const names = layers.map(({ name }) => name);
    writeFileSync(join(work, "manifest.json"), JSON.stringify([{ Config: "config.json", RepoTags: [reference], Layers: names }]));
    tar("--directory", work, "--file", archive, "manifest.json", "config.json", ...names);
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
