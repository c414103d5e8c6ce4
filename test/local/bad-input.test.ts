// What a user gets wrong, and what he is told.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { ENTRY, LocalRun, ManifestFolder } from "../support/local-cluster.ts";

function command(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ENTRY, ...args], { encoding: "utf8", timeout: 30_000 });
  return { code: status, stdout, stderr };
}

describe("a wrong manifest", () => {
  let folder: ManifestFolder;
  beforeEach(() => {
    folder = new ManifestFolder().addShop();
  });
  afterEach(() => folder.remove());

  it("is refused with every problem: an unknown field with the known ones, a wrong type with what was found", () => {
    folder.writeManifest({ replicas: "three", replicaz: 3, sessions: { timeoutSecond: 5 } });
    const { code, stdout, stderr } = command("local", folder.manifest, "--json");
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /spec\.replicas.*"three"/);
    assert.match(stderr, /replicaz/);
    assert.match(stderr, /timeoutSecond\b/);
    assert.match(stderr, /timeoutSeconds/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  const cases = [
    { what: "no such file", args: ["nowhere.yaml"], message: /nowhere\.yaml/ },
    { what: "text that is no YAML", text: "spec: [", message: /cluster\.yaml/ },
    { what: "another kind", text: "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\n", message: /TomcatCluster/ },
    { what: "an empty file", text: "", message: /cluster\.yaml|TomcatCluster/ },
  ];
  for (const { what, args, text, message } of cases) {
    it(`is refused with one message: ${what}`, () => {
      if (text !== undefined) folder.write("cluster.yaml", text);
      const { code, stdout, stderr } = command("local", ...(args ?? [folder.manifest]));
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  it("is refused when an application that it names has no folder, and says where it was looked for", () => {
    folder.writeManifest({ replicas: 1, applications: [{ path: "/basket" }] });
    const { code, stderr } = command("local", folder.manifest);
    assert.equal(code, 1);
    assert.match(stderr, /"\/basket".*webapps\/basket/);
  });
});

describe("an application that throws on load", () => {
  const folder = new ManifestFolder();
  after(() => folder.remove());

  it("answers 503 on its path and keeps its worker not ready, while other applications and workers serve", async () => {
    folder
      .writeManifest({ replicas: 2, drain: { quietSeconds: 0.5, deadlineSeconds: 5 } })
      .addShop()
      .addApplication(
        "moody",
        `if (process.env.POD_NAME === "shop-1") throw new Error("not on this one");
         export default (req, res) => res.end("fine");`,
      );
    const run = new LocalRun(folder.manifest);
    try {
      const ready = await run.ready();
      await run.waitForError("shop-1 is not ready");
      const [good, bad] = ready.workers.map(({ address, http, management }) => ({ url: `http://${address}:${http}`, management }));
      assert.equal((await fetch(`${bad!.url}/moody/`)).status, 503);
      assert.equal((await fetch(`${bad!.url}/shop/`)).status, 200);
      const readiness = await fetch(`${bad!.management}/readyz`);
      assert.equal(readiness.status, 503);
      assert.match(await readiness.text(), /moody/);
      assert.equal((await fetch(`${good!.management}/readyz`)).status, 200);
      for (let turn = 0; turn < 6; turn += 1) assert.equal(await (await fetch(`${ready.url}/moody/`)).text(), "fine");
    } finally {
      await run.dispose();
    }
  });
});

describe("an application that puts a function into a session", () => {
  const folder = new ManifestFolder();
  after(() => folder.remove());

  it("is told attribute and type at once, and the session stays usable", async () => {
    folder
      .writeManifest({ replicas: 1, drain: { quietSeconds: 0.5, deadlineSeconds: 5 } })
      .addShop()
      .addApplication(
        "careless",
        `export default (req, res) => {
           const session = req.getSession(true);
           session.setAttribute("visits", (session.getAttribute("visits") ?? 0) + 1);
           try { session.setAttribute("callback", () => 1); } catch (error) { res.setHeader("X-Error", error.message); }
           res.end(String(session.getAttribute("visits")));
         };`,
      );
    const run = new LocalRun(folder.manifest);
    try {
      const { url } = await run.ready();
      const first = await fetch(`${url}/careless/`);
      assert.match(first.headers.get("x-error")!, /"callback".*function/);
      const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
      assert.equal(await (await fetch(`${url}/careless/`, { headers: { cookie } })).text(), "2");
    } finally {
      await run.dispose();
    }
  });
});
