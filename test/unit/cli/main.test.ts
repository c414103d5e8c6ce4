import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";

const ENTRY = join(import.meta.dirname, "../../../src/cli/main.ts");

function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ENTRY, ...args], { encoding: "utf8", timeout: 20_000 });
  return { code: status, stdout, stderr };
}

describe("tomcat-cluster", () => {
  it("lists its commands with --help", () => {
    const { code, stdout, stderr } = run("--help");
    assert.equal(code, 0);
    assert.equal(stderr, "");
    for (const command of ["worker", "balancer", "local"]) assert.match(stdout, new RegExp(`\\n  ${command} `));
  });

  it("prints the version of the package", () => {
    const { code, stdout } = run("--version");
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  const usageErrors = [
    { args: [], message: /Usage: tomcat-cluster/ },
    { args: ["operate"], message: /unknown command 'operate'[\s\S]*Known commands: local, worker, balancer/ },
    { args: ["worker"], message: /required option '--base <dir>'/ },
    { args: ["worker", "--base", "x", "--log-level", "loud"], message: /trace, debug, info/ },
    { args: ["worker", "--base", "x", "--log-lvel", "info"], message: /unknown option '--log-lvel'[\s\S]*Did you mean --log-level/ },
    { args: ["balancer", "--management-port", "http"], message: /A port is a number/ },
    { args: ["local"], message: /missing required argument 'file'/ },
    { args: ["local", "a.yaml", "b.yaml"], message: /too many arguments/ },
    { args: ["local", "a.yaml", "--port", "123456"], message: /A port is a number from 0 to 65535/ },
  ];
  for (const { args, message } of usageErrors) {
    it(`exits with 2 and explains: ${args.join(" ") || "no command"}`, () => {
      const { code, stdout, stderr } = run(...args);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  const failures = [
    { args: ["local", "/nowhere/shop.yaml"], message: /\/nowhere\/shop\.yaml/ },
    {
      args: ["local", "/nowhere/shop.yaml", "--network", "10.0.0.0/8"],
      message: /^"10\.0\.0\.0\/8" is not a network for a local cluster.*127\.0\.5\.0\/24\n$/,
    },
    { args: ["balancer", "--config", "/nowhere/balancer.yaml"], message: /\/nowhere\/balancer\.yaml/ },
    { args: ["worker", "--base", "/nowhere"], message: /\/nowhere/ },
  ];
  for (const { args, message } of failures) {
    it(`exits with 1 and one plain message: ${args.join(" ")}`, () => {
      const { code, stdout, stderr } = run(...args);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  it("adds the stack with --debug", () => {
    const { code, stderr } = run("--debug", "local", "x.yaml", "--network", "10.0.0.0/8");
    assert.equal(code, 1);
    assert.match(stderr, /NetworkFormatError[\s\S]*\n\s+at /);
  });
});
