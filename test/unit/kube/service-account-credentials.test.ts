import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { CredentialsError, ServiceAccountCredentials } from "../../../src/kube/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const SERVER = "https://10.96.0.1:443";

let directory: string;
let clock: ManualClock;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "service-account-"));
  clock = new ManualClock();
  for (const [name, text] of Object.entries({ namespace: "shop", token: "one\n", "ca.crt": "first ca" })) write(name, text);
});

afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): void {
  writeFileSync(join(directory, name), text);
}

describe("ServiceAccountCredentials", () => {
  it("are the files of the pod's service account", async () => {
    const credentials = new ServiceAccountCredentials({ clock }, { server: SERVER, directory });
    assert.deepEqual(await credentials.access(), { server: SERVER, headers: { Authorization: "Bearer one" }, tls: { ca: "first ca" } });
    assert.equal(credentials.namespace, "shop");
  });

  it("sees what the kubelet replaced within 10 seconds, and reads no file more often", async () => {
    const credentials = new ServiceAccountCredentials({ clock }, { server: SERVER, directory });
    await credentials.access();
    write("token", "two");
    write("ca.crt", "second ca");
    credentials.refused();
    assert.equal((await credentials.access()).headers.Authorization, "Bearer one");
    await clock.advance(10_000);
    const { headers, tls } = await credentials.access();
    assert.deepEqual([headers.Authorization, tls.ca], ["Bearer two", "second ca"]);
  });

  it("says which file is missing, and goes on when it is there", async () => {
    assert.throws(() => new ServiceAccountCredentials({ clock }, { server: SERVER, directory: join(directory, "none") }), CredentialsError);
    const credentials = new ServiceAccountCredentials({ clock }, { server: SERVER, directory });
    rmSync(join(directory, "token"));
    await assert.rejects(credentials.access(), /token" cannot be read/);
    write("token", "two");
    assert.equal((await credentials.access()).headers.Authorization, "Bearer two");
  });

  it("loads no client-node, which reads kubeconfigs", () => {
    const program = 'await import("./src/operator/index.ts")';
    const root = join(import.meta.dirname, "../../..");
    const hook =
      'registerHooks({load(url, context, next) { if (url.includes("client-node")) throw new Error(url); return next(url, context); }})';
    const text = `import { registerHooks } from "node:module"; ${hook}; ${program}`;
    execFileSync(process.execPath, ["--input-type=module", "--eval", text], { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  });
});
