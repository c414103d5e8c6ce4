// The images of the clusters that are tested: ours, and ones made of it that have applications.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManifestFolder } from "../../support/local-cluster.ts";
import { type Image, packImages } from "./docker-archive.ts";
import { IMAGE_CONFIG, makeImageRoot } from "./image-root.ts";

export const OPERATOR_IMAGE = "registry.local/tomcat-cluster:e2e";
/** With the applications shop and ledger; the last one's ledger does not start. */
export const APPLICATION_IMAGES = {
  first: "registry.local/shop:1",
  second: "registry.local/shop:2",
  broken: "registry.local/shop:broken",
} as const;

const WEBAPPS = "usr/local/tomcat/webapps";
const BROKEN_LEDGER = `throw new Error("This version of the application does not start");`;

/** Makes them, and gives `take` the archive of all. */
export async function makeShopImages(take: (archive: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "shop-images-"));
  const archive = join(folder, "images.tar");
  const root = join(folder, "root");
  const layer = (name: string, applications: ManifestFolder) => {
    const path = join(folder, name);
    mkdirSync(join(path, "usr/local/tomcat"), { recursive: true });
    cpSync(join(applications.path, "webapps"), join(path, WEBAPPS), { recursive: true });
    writeFileSync(join(path, "usr/local/tomcat/version"), name);
    applications.remove();
    return path;
  };
  try {
    await makeImageRoot(root);
    const images: Image[] = [{ reference: OPERATOR_IMAGE, config: IMAGE_CONFIG, layers: [root] }];
    for (const [name, reference] of Object.entries(APPLICATION_IMAGES)) {
      const applications = new ManifestFolder().addShop().addFixture("ledger");
      if (name === "broken") applications.write("webapps/ledger/index.js", BROKEN_LEDGER);
      images.push({ reference, config: IMAGE_CONFIG, layers: [root, layer(name, applications)] });
    }
    await packImages(images, archive);
    await take(archive);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
