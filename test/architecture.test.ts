// The layout is a promise: who may import whom, what pure folders must not touch, how large files may be, which names are refused.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, it } from "node:test";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCES = join(ROOT, "src");

/** The table of ARCHITECTURE.md. Folders inside of folders that stand in it have an index.ts of their own. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  management: ["base"],
  api: ["base"],
  serialization: ["base"],
  config: ["base"],
  protocol: ["base"],
  channel: ["base", "config", "serialization"],
  container: ["base", "config", "protocol"],
  connector: ["base", "config", "protocol"],
  replication: ["base", "config", "protocol", "serialization", "channel", "container"],
  balancer: ["base", "config", "protocol", "management", "kube-watch"],
  "express-session": ["container"],
  "java-types": [],
  server: ["base", "config", "protocol", "serialization", "channel", "container", "connector", "replication", "management"],
  kube: ["base"],
  "kube-watch": ["base"],
  "operator/controller": ["base", "kube"],
  "operator/desired": ["base", "api", "config"],
  operator: ["base", "api", "config", "kube", "management", "operator/controller", "operator/desired"],
  local: ["base", "api", "config", "operator/desired"],
  verify: ["base"],
  cli: ["operator", "operator/desired", "server", "balancer", "convert", "local", "verify", "management", "api", "config", "base"],
};

const PURE = [
  "api",
  "serialization",
  "config",
  "protocol",
  "channel/wire",
  "operator/desired",
  "operator/roll",
  "operator/status",
  "balancer/selection",
];
const IMPURE_MODULES = /^node:(net|tls|dns|http|http2|https|fs|dgram|timers|child_process|worker_threads)(\/|$)/;
const IMPURE_WORDS =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bMath\.random\b|\brandomBytes\b|\bset(Timeout|Interval|Immediate)\(|\bprocess\.env\b/;
const CLI_ONLY_WORDS = /\bprocess\.(env|exit)\b|\bconsole\./;
const REFUSED_NAMES = /(^|[-/])(utils?|helpers?|common|misc)([-./]|$)/;
const MAX_LINES = 400;
const MAX_MEDIAN_LINES = 150;

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => pattern.test(name) && statSync(join(folder, name)).isFile())
    .map((name) => join(folder, name));
}

const sources = filesBelow(SOURCES, /\.ts$/).map((path) => {
  const text = readFileSync(path, "utf8");
  return { path, name: relative(SOURCES, path), text, code: withoutComments(text) };
});

/** Strings stay: a forbidden word in one is rare enough to be worth a look. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function importsOf(code: string): Import[] {
  const found: Import[] = [];
  for (const match of code.matchAll(/\b(?:import|export)\s+(type\s+)?[^"';]*?\bfrom\s+"([^"]+)"/g)) {
    found.push({ specifier: match[2]!, typeOnly: match[1] !== undefined });
  }
  for (const match of code.matchAll(/\bimport\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/g)) {
    found.push({ specifier: (match[1] ?? match[2])!, typeOnly: false });
  }
  return found;
}

function folderOf(name: string): string {
  const inner = Object.keys(MAY_IMPORT).find((folder) => folder.includes("/") && name.startsWith(`${folder}/`));
  return inner ?? name.split("/")[0]!;
}

describe("architecture", () => {
  it("imports of other folders go through their index.ts and stand in the table, type imports included", () => {
    const wrong: string[] = [];
    for (const source of sources) {
      const folder = folderOf(source.name);
      const allowed = MAY_IMPORT[folder];
      if (!allowed) {
        wrong.push(`${source.name}: folder "${folder}" is not in the table`);
        continue;
      }
      for (const { specifier } of importsOf(source.code)) {
        if (!specifier.startsWith(".")) continue;
        const target = relative(SOURCES, resolve(dirname(source.path), specifier));
        const targetFolder = folderOf(target);
        if (targetFolder === folder) continue;
        if (!allowed.includes(targetFolder)) wrong.push(`${source.name}: "${folder}" must not import "${targetFolder}"`);
        if (target !== `${targetFolder}/index.ts`) wrong.push(`${source.name}: imports ${target} in place of ${targetFolder}/index.ts`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it("pure folders touch no socket, file, clock, chance or environment", () => {
    const wrong: string[] = [];
    for (const source of sources) {
      if (!PURE.some((folder) => source.name.startsWith(`${folder}/`))) continue;
      for (const { specifier, typeOnly } of importsOf(source.code)) {
        if (!typeOnly && IMPURE_MODULES.test(specifier)) wrong.push(`${source.name}: imports ${specifier}`);
      }
      const word = IMPURE_WORDS.exec(source.code);
      if (word) wrong.push(`${source.name}: uses ${word[0]}`);
    }
    assert.deepEqual(wrong, []);
  });

  it("environment, exit and console belong to cli", () => {
    const wrong = sources
      .filter((source) => !source.name.startsWith("cli/") && CLI_ONLY_WORDS.test(source.code))
      .map((source) => source.name);
    assert.deepEqual(wrong, []);
  });

  it("no source file has more than 400 lines, and half of them are far below", () => {
    const lines = sources.map((source) => ({ name: source.name, lines: source.text.split("\n").length - 1 }));
    assert.deepEqual(
      lines.filter((source) => source.lines > MAX_LINES),
      [],
    );
    const median = lines.map((source) => source.lines).sort((a, b) => a - b)[Math.floor(lines.length / 2)]!;
    assert.ok(median <= MAX_MEDIAN_LINES, `median of ${median} lines`);
  });

  it("no file or folder is a drawer called util, helper, common or misc", () => {
    const names = [
      ...sources.map((source) => source.name),
      ...filesBelow(join(ROOT, "test"), /\.(ts|java)$/).map((path) => relative(ROOT, path)),
    ];
    assert.deepEqual(
      names.filter((name) => REFUSED_NAMES.test(name)),
      [],
    );
  });

  it("files are named in kebab-case", () => {
    assert.deepEqual(
      sources.map((source) => source.name).filter((name) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name)),
      [],
    );
  });

  it("what worker, balancer and local load contains no Kubernetes client", () => {
    const reached = new Set<string>();
    const wrong: string[] = [];
    const visit = (path: string) => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const { specifier } of importsOf(withoutComments(readFileSync(path, "utf8")))) {
        if (specifier.startsWith("@kubernetes/")) wrong.push(`${relative(SOURCES, path)}: imports ${specifier}`);
        else if (specifier.startsWith(".")) visit(resolve(dirname(path), specifier));
      }
    };
    for (const command of ["worker", "balancer", "local"]) visit(join(SOURCES, "cli", `${command}.ts`));
    assert.deepEqual(wrong, []);
    assert.ok(reached.size > 20, "the commands load the data plane");
  });

  it("what applications import takes nothing of the worker but types: they may have another copy of it", () => {
    const loaded = sources
      .filter((source) => source.name.startsWith("express-session/") || source.name.startsWith("java-types/"))
      .flatMap((source) => importsOf(source.code).filter(({ specifier, typeOnly }) => !typeOnly && specifier.startsWith("..")));
    assert.deepEqual(loaded, []);
  });

  it("the table is the one that ARCHITECTURE.md prints", () => {
    const page = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");
    for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
      const row = page.split("\n").find((line) => line.startsWith(`| ${folder} |`));
      assert.ok(row, `ARCHITECTURE.md has no row for "${folder}"`);
      const printed = row.split("|")[2]!.trim();
      assert.equal(printed, allowed.length === 0 ? "–" : allowed.join(", "), `row of "${folder}"`);
    }
  });
});
