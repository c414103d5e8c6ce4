// What README.md shows is run: its files are taken from the page itself.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ENTRY, LocalRun, ManifestFolder, ROOT } from "../support/local-cluster.ts";

const README = readFileSync(join(ROOT, "README.md"), "utf8");
const ADDRESS = "127.0.191.1";

describe("README.md", () => {
  const folder = new ManifestFolder();

  before(() => {
    for (const [, path, text] of README.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm)) folder.write(path!, text!);
  });

  after(() => folder.remove());

  it("names scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> };
    const named = [...README.matchAll(/npm run ([a-z:]+)|npm (start|test)\b/g)].map((match) => (match[1] ?? match[2])!);
    assert.ok(named.length > 3);
    for (const name of named) assert.ok(name in scripts, `npm run ${name}`);
  });

  it("names files that exist", () => {
    const named = README.matchAll(/\b(?:charts|crds|deploy|docs)\/[\w./-]*\w/g);
    const missing = [...named].map(([path]) => path).filter((path) => !existsSync(join(ROOT, path)));
    assert.deepEqual(missing, []);
  });

  it("shows a manifest and an application that count visits", async () => {
    const run = new LocalRun(folder.manifest);
    try {
      const { url } = await run.ready();
      const first = await fetch(`${url}/hello/`);
      assert.equal(await first.text(), "visit 1, served under /hello\n");
      const cookie = first.headers.get("set-cookie")!.split(";", 1)[0]!;
      assert.equal(await (await fetch(`${url}/hello/`, { headers: { cookie } })).text(), "visit 2, served under /hello\n");
    } finally {
      await run.dispose();
    }
  });

  it("shows a server.xml that a worker starts with", async () => {
    // No DNS server answers there: a look-up that fails is no news, so the worker waits for its group and says so (rule 5).
    const flags = ["--base", folder.path, "--management-address", ADDRESS, "--dns-server", `${ADDRESS}:9`];
    const child = spawn(process.execPath, [ENTRY, "worker", ...flags], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, POD_NAME: "hello-0", POD_IP: ADDRESS },
    });
    try {
      let output = "";
      for await (const chunk of child.stdout) {
        output += chunk;
        if (output.includes('"Receiver listens"')) break;
      }
      assert.match(output, /"Receiver listens"/);
      assert.equal(await (await fetch(`http://${ADDRESS}:9090/readyz`)).text(), "worker: starting\n");
    } finally {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
  });
});
