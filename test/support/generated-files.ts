// Files of the repository that follow from others. A test compares them; `npm run generate` writes them.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { customResourceDefinitionYaml } from "../../src/api/index.ts";
import { renderChart } from "./helm.ts";
import { valuesTable } from "./values-table.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
export const MANIFESTS = "deploy/operator.yaml";
const CRD = "tribes.dev_tomcatclusters.yaml";
const DASHBOARD = "tomcat-cluster.json";
const CHART = "charts/tomcat-cluster";
const TABLE = /(?<=<!-- values: .*-->\n)[\s\S]*(?=<!-- end of values -->)/;
/** Labels that say that Helm has made an object. */
const HELM_LABELS = /^ +(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm;

/** By path. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const crd = customResourceDefinitionYaml();
  return new Map([
    [`crds/${CRD}`, crd],
    // A chart cannot reach beyond its folder.
    [`${CHART}/files/${CRD}`, crd],
    [`${CHART}/files/${DASHBOARD}`, read(`deploy/dashboards/${DASHBOARD}`)],
    [`${CHART}/README.md`, read(`${CHART}/README.md`).replace(TABLE, () => `${valuesTable(read(`${CHART}/values.yaml`))}\n`)],
  ]);
}

/** The operator without Helm: what the chart makes of its own values. Needs Helm. */
export function operatorManifests(): string {
  const rendered = renderChart({})
    .replace(HELM_LABELS, "")
    .replace(/^# Source: .*\n/gm, "");
  return `# Made of ${CHART} by "npm run generate": change it there, or with kustomize.\n${rendered}`;
}

function read(path: string): string {
  return readFileSync(resolve(ROOT, path), "utf8");
}
