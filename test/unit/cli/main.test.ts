import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parseAllDocuments } from "yaml";

const folder = mkdtempSync(join(tmpdir(), "main-test-"));
const SAMPLE = join(import.meta.dirname, "../../../deploy/samples/shop.yaml");
const ENTRY = join(import.meta.dirname, "../../../src/cli/main.ts");

function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ENTRY, ...args], { encoding: "utf8", timeout: 20_000 });
  return { code: status, stdout, stderr };
}

describe("tomcat-cluster", () => {
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("lists its commands with --help", () => {
    const { code, stdout, stderr } = run("--help");
    assert.equal(code, 0);
    assert.equal(stderr, "");
    for (const command of ["worker", "balancer", "local", "verify", "crd", "render", "fetch"])
      assert.match(stdout, new RegExp(`\\n  ${command} `));
  });

  it("prints the version of the package", () => {
    const { code, stdout } = run("--version");
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  for (const command of ["crd", "render deploy/samples/shop.yaml", "balancer --help-config"]) {
    it(`ends without a word when nobody reads what it prints: ${command}`, () => {
      const pipeline = `set -o pipefail; "$0" "$1" ${command} | true`;
      const { status, stderr } = spawnSync("bash", ["-c", pipeline, process.execPath, ENTRY], { encoding: "utf8", timeout: 20_000 });
      assert.equal(stderr, "");
      assert.equal(status, 0);
    });
  }

  const usageErrors = [
    { args: [], message: /Usage: tomcat-cluster/ },
    {
      args: ["operate"],
      message: /unknown command 'operate'[\s\S]*Known commands: local, worker, balancer, operator, verify, crd, render, fetch/,
    },
    { args: ["operator"], message: /required option .--image <reference>. not specified/ },
    { args: ["operator", "--image", "x", "--metrics-address", "9090"], message: /an address and a port/ },
    { args: ["worker"], message: /required option '--base <dir>'/ },
    { args: ["worker", "--base", "x", "--log-level", "loud"], message: /trace, debug, info/ },
    { args: ["worker", "--base", "x", "--log-lvel", "info"], message: /unknown option '--log-lvel'[\s\S]*Did you mean --log-level/ },
    { args: ["balancer", "--management-port", "http"], message: /A port is a number/ },
    { args: ["verify"], message: /missing required argument 'url'/ },
    { args: ["verify", "http://127.0.0.1:1", "--timeout", "0"], message: /whole number from 1 to 3600/ },
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

  const settings = (text: string) => {
    const file = join(folder, `balancer-${text.length}.yaml`);
    writeFileSync(file, text);
    return ["balancer", "--config", file];
  };
  const failures = [
    { args: settings(""), message: /balancer-0\.yaml" cannot be used:\n- The document is empty\n$/ },
    { args: settings("discovery: ["), message: /balancer-12\.yaml" cannot be read: .*line 1, column 13/ },
    { args: settings("a: 1\n---\nb: 2\n"), message: /balancer-14\.yaml" cannot be read: it has a second document/ },
    {
      args: [...settings("discovery: { type: DNS, service: _http._tcp.shop }\n"), "--dns-server", "nonsense", "--management-port", "0"],
      message: /^"nonsense" is not the address of a DNS server: write its IP address/,
    },
    {
      args: [
        ...settings("discovery: { type: EndpointSlice, service: shop-workers, serviceAccountDirectory: /nowhere }\n"),
        "--management-port",
        "0",
      ],
      message: /^The service account's file "\/nowhere\/namespace" cannot be read: there is no such file\. Does the pod/,
    },
    { args: ["balancer", "--config", "/"], message: /^The balancer settings "\/" cannot be read: it is a folder\n$/ },
    { args: ["verify", "127.0.5.2:9090"], message: /^"127\.0\.5\.2:9090" is not the address of a management port: write it as http/ },
    { args: ["local", "/nowhere/shop.yaml"], message: /\/nowhere\/shop\.yaml/ },
    {
      args: ["local", "/nowhere/shop.yaml", "--network", "10.0.0.0/8"],
      message: /^"10\.0\.0\.0\/8" is not a network for a local cluster.*127\.0\.5\.0\/24\n$/,
    },
    { args: ["balancer", "--config", "/nowhere/balancer.yaml"], message: /\/nowhere\/balancer\.yaml/ },
    { args: ["render", "/nowhere/shop.yaml"], message: /^"\/nowhere\/shop\.yaml" cannot be read: there is no such file\n$/ },
    { args: ["render", SAMPLE, SAMPLE], message: /^".*shop\.yaml" has something in it that is neither a ConfigMap nor a Secret\n$/ },
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

  it("prints every object of a manifest, and says what is not in it", () => {
    const { code, stdout, stderr } = run("render", SAMPLE, "--image", "registry.example/tomcat-cluster:1", "--namespace", "web");
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(stdout, /^# The Secret "shop-channel-1" with a generated key, which is not printed, comes with them\.\n# .* 2 replicas/);
    const objects = parseAllDocuments(stdout).map((document) => document.toJS());
    assert.deepEqual(
      objects.filter(({ kind }) => kind === "StatefulSet" || kind === "Deployment").map(({ metadata }) => metadata.name),
      ["shop", "shop-balancer"],
    );
    assert.ok(objects.every(({ metadata }) => metadata.namespace === "web" && metadata.ownerReferences === undefined));
    assert.match(stdout, /image: registry\.example\/tomcat-cluster:1\n/);
  });

  it("takes what a manifest names from files: its server.xml, and what rolls the pods", () => {
    const [manifest, references] = [join(folder, "own.yaml"), join(folder, "references.yaml")];
    const configMapKeyRef = { name: "x", key: "y" };
    const env = [{ name: "P", valueFrom: { secretKeyRef: { name: "password", key: "p" } } }];
    const spec = { configuration: { serverXml: { configMapKeyRef } }, template: { env } };
    writeFileSync(manifest, JSON.stringify({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name: "own" }, spec }));
    const put = (connector: string, ...others: object[]) => {
      const y = `<Server><Service name="Catalina">\n<Connector port="8080" ${connector} /></Service></Server>`;
      const documents = [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data: { y } }, ...others];
      writeFileSync(references, documents.map((document) => JSON.stringify(document)).join("\n---\n"));
    };
    const digest = (text: string) => /tribes\.dev\/configuration: (\w+)/.exec(text)?.[1];
    assert.match(run("render", manifest).stderr, /^The manifest takes its server\.xml from ConfigMap x, key y: not found; give a file/);
    put('connectionTimeout="77"');
    const { stdout } = run("render", manifest, references);
    assert.match(stdout, /connectionTimeout="77"/);
    assert.match(stdout, /^# .* what was not given: Secret password\.$/m);
    put('connectionTimeout="77"', { kind: "Secret", metadata: { name: "password" }, stringData: { p: "one" } });
    const withSecret = run("render", manifest, references).stdout;
    assert.doesNotMatch(withSecret, /not given/);
    assert.notEqual(digest(withSecret), digest(stdout));
    put('connectionTimeout="77"', { kind: "List", items: [{ kind: "Secret", metadata: { name: "password" }, data: { p: "b25l" } }] });
    assert.equal(digest(run("render", manifest, references).stdout), digest(withSecret));
    put('connectionTimeout="77"', { kind: "Secret", metadata: { name: "password", namespace: "elsewhere" } });
    assert.match(run("render", manifest, references).stdout, /not given: Secret password/);
    put('address="::"');
    assert.match(run("render", manifest, references).stderr, /ConfigMap x, key y:2:24: address="::" of Connector is not what/);
  });

  it("adds the stack with --debug", () => {
    const { code, stderr } = run("--debug", "local", "x.yaml", "--network", "10.0.0.0/8");
    assert.equal(code, 1);
    assert.match(stderr, /NetworkFormatError[\s\S]*\n\s+at /);
  });
});
