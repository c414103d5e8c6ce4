// Packs folders as images, in the form of `docker save`, which containerd imports: no registry and no builder needed.
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

export interface Image {
  /** As pods write it: "registry.local/pause:1". */
  readonly reference: string;
  readonly config: ImageConfig;
  /** Folders, each lying over the ones before. */
  readonly layers: readonly string[];
}

const ARCHITECTURES: Record<string, string> = { x64: "amd64", arm64: "arm64" };
/** The same content makes the same image: names in order, one owner, one time. */
const REPRODUCIBLE = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];

/**
 * Writes images into the file `archive`, a folder that several of them have as a layer once. All files belong to root in them; modes stay
 * as they are. Rejects with what `tar` says.
 */
export async function packImages(images: readonly Image[], archive: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "image-"));
  try {
    const layers = new Map<string, { readonly file: string; readonly digest: string }>();
    for (const folder of new Set(images.flatMap((image) => image.layers))) {
      const file = `layer-${layers.size}.tar`;
      tar("--directory", folder, "--file", join(work, file), ".");
      layers.set(folder, { file, digest: `sha256:${await sha256OfFile(join(work, file))}` });
    }
    const manifests = images.map((image, index) => {
      const file = `config-${index}.json`;
      const of = image.layers.map((folder) => layers.get(folder)!);
      const rootfs = { type: "layers", diff_ids: of.map(({ digest }) => digest) };
      const architecture = ARCHITECTURES[process.arch] ?? process.arch;
      writeFileSync(join(work, file), JSON.stringify({ architecture, os: "linux", config: image.config, rootfs }));
      return { Config: file, RepoTags: [image.reference], Layers: of.map((layer) => layer.file) };
    });
    writeFileSync(join(work, "manifest.json"), JSON.stringify(manifests));
    tar("--directory", work, "--file", archive, ".");
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
