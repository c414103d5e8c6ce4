// npm run generate: writes every file that follows from others.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { generatedFiles, MANIFESTS, operatorManifests, ROOT } from "./generated-files.ts";
import { missingHelm } from "./helm.ts";

const write = (path: string, text: string) => writeFileSync(resolve(ROOT, path), text);

for (const [path, text] of generatedFiles()) write(path, text);
const missing = missingHelm();
if (missing === undefined) write(MANIFESTS, operatorManifests());
else {
  console.error(`${MANIFESTS} is left as it is, ${missing}`);
  process.exitCode = 1;
}
