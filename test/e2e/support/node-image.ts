// An image with Node and what it is linked with, for pods that are nobody's product.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packImages } from "./docker-archive.ts";
import type { SingleNode } from "./single-node.ts";

export const NODE_IMAGE = "registry.local/node:1";

/** Its command is Node; what pods say in `args` are Node's arguments. */
export async function importNodeImage(node: SingleNode): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "node-image-"));
  try {
    const root = join(work, "root");
    for (const file of [process.execPath, ...librariesOf(process.execPath)]) {
      const target = file === process.execPath ? join(root, "node") : join(root, file);
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(file, target);
    }
    await packImages([{ reference: NODE_IMAGE, config: { Entrypoint: ["/node"] }, layers: [root] }], join(work, "node.tar"));
    await node.importImage(join(work, "node.tar"));
  } finally {
    rmSync(work, { recursive: true });
  }
}

function librariesOf(program: string): string[] {
  const lines = execFileSync("ldd", [program], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}
