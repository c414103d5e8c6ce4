import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { knownMetrics } from "../../support/known-metrics.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const FILE = new URL("../../../deploy/dashboards/tomcat-cluster.json", import.meta.url);
const { panels, templating } = JSON.parse(readFileSync(FILE, "utf8")) as {
  panels: readonly Panel[];
  templating: { list: readonly { name: string; definition?: string }[] };
};
const targets = panels.flatMap((panel) => panel.targets ?? []);
const expressions = [...targets.map(({ expr }) => expr), ...templating.list.flatMap(({ definition }) => definition ?? [])];
/** What Prometheus adds when it scrapes a pod. */
const TARGET_LABELS = ["namespace", "exported_namespace", "pod"];

const METRIC = /\b((?:tomcat|controller_runtime|workqueue|rest_client|leader_election|process|nodejs|informer)\w*)(?:\{([^}]*)\})?/g;

describe("the Grafana dashboard", () => {
  it("names only metrics and labels that the processes have", () => {
    const known = knownMetrics();
    let count = 0;
    for (const expression of expressions) {
      const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names]) => names!.split(/, */));
      for (const [, name, selector = ""] of expression.matchAll(METRIC)) {
        const selected = [...selector.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label]) => label!);
        assert.ok(known.has(name!), name);
        for (const label of [...selected, ...grouped])
          assert.ok([...TARGET_LABELS, ...known.get(name!)!].includes(label), `${label} of ${name}`);
        count += 1;
      }
    }
    assert.ok(count >= expressions.length);
  });

  it("writes into legends only labels that its queries leave", () => {
    for (const { expr, legendFormat } of targets) {
      const left = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names]) => names!.split(/, */));
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        assert.ok([...left, ...(left.length === 0 ? TARGET_LABELS : [])].includes(label!), `${label}: ${expr}`);
    }
  });

  it("has panels that do not lie upon each other, each with a number of its own", () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
    for (const { gridPos } of panels) assert.ok(gridPos.x + gridPos.w <= 24);
  });

  it("asks its variables, and no others", () => {
    const variables = [...templating.list.map(({ name }) => name), "__rate_interval"];
    for (const expression of expressions)
      for (const [, name] of expression.matchAll(/\$\{?(\w+)/g)) assert.ok(variables.includes(name!), expression);
  });
});
