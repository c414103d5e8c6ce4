// Runs test suites: all that this machine can run, those that are named, or, with --all, every one without skipping any.
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { missingNode } from "../e2e/support/missing-node.ts";
import { missingHelm } from "./helm.ts";
import { missingAssets } from "./kubernetes-assets.ts";
import { namespacesMissing } from "./process-networks.ts";

interface Suite {
  readonly name: string;
  readonly files: string;
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** What the machine lacks for this suite, in a few words, or undefined. */
  readonly missing: () => string | undefined;
}

const present = () => undefined;

function missingFiles(...paths: string[]): string | undefined {
  const missing = paths.filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `${missing.join(", ")} not found: run "npm run setup:peers" as root on Debian`;
}

const SUITES: readonly Suite[] = [
  { name: "unit", files: "test/{*.test.ts,unit/**/*.test.ts}", concurrency: 2, timeoutMs: 60_000, missing: present },
  { name: "scenario", files: "test/scenario/**/*.test.ts", concurrency: 2, timeoutMs: 300_000, missing: present },
  { name: "cluster", files: "test/cluster/**/*.test.ts", concurrency: 2, timeoutMs: 120_000, missing: loopbackRange },
  { name: "local", files: "test/local/**/*.test.ts", concurrency: 1, timeoutMs: 300_000, missing: loopbackRange },
  { name: "reliability", files: "test/reliability/processes.test.ts", concurrency: 1, timeoutMs: 600_000, missing: loopbackRange },
  {
    name: "partition",
    files: "test/reliability/partition.test.ts",
    concurrency: 1,
    timeoutMs: 300_000,
    missing: namespacesMissing,
  },
  {
    name: "peers",
    files: "test/peers/**/*.test.ts",
    concurrency: 1,
    timeoutMs: 300_000,
    missing: () => missingFiles("/usr/share/java/tomcat10-tribes.jar", "/usr/bin/javac", "/usr/bin/chromium"),
  },
  { name: "kube", files: "test/kube/**/*.test.ts", concurrency: 1, timeoutMs: 300_000, missing: () => missingAssets() ?? missingHelm() },
  {
    name: "e2e",
    files: "test/e2e/**/*.test.ts",
    concurrency: 1,
    timeoutMs: 1_200_000,
    missing: () => missingNode() ?? missingHelm() ?? missingFiles("/usr/bin/prometheus"),
  },
];

function loopbackRange(): string | undefined {
  return process.platform === "linux" ? undefined : "only Linux answers on all of 127.0.0.0/8 without set-up";
}

function main(args: readonly string[]): number {
  const all = args.includes("--all");
  const names = args.filter((arg) => !arg.startsWith("--"));
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    console.error(`Unknown suite "${unknown.join('", "')}". There are: ${SUITES.map((suite) => suite.name).join(", ")}`);
    return 2;
  }
  const results: string[] = [];
  let failed = false;
  for (const suite of SUITES) {
    if (names.length > 0 && !names.includes(suite.name)) continue;
    const missing = suite.missing();
    if (missing !== undefined) {
      results.push(`${suite.name}: skipped, ${missing}`);
      if (names.length > 0 || all) failed = true;
      continue;
    }
    const files = globSync(suite.files);
    if (files.length === 0) {
      results.push(`${suite.name}: failed, no test file matches ${suite.files}`);
      failed = true;
      continue;
    }
    console.log(`\n== ${suite.name}: ${files.length} files`);
    const startedMs = performance.now();
    const flags = ["--test", `--test-concurrency=${suite.concurrency}`, `--test-timeout=${suite.timeoutMs}`];
    const reporter = process.env.TEST_REPORTER ?? "dot";
    const run = spawnSync(process.execPath, [...flags, `--test-reporter=${reporter}`, "--test-reporter-destination=stdout", ...files], {
      stdio: "inherit",
    });
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    if (run.status !== 0) failed = true;
    results.push(`${suite.name}: ${run.status === 0 ? "passed" : "failed"}, ${files.length} files in ${seconds} s`);
  }
  console.log(`\n${results.join("\n")}\n`);
  const count = (outcome: string) => results.filter((result) => result.includes(`: ${outcome}`)).length;
  console.log(`suites: ${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
  return failed ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
