import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";

const ENTRY = join(import.meta.dirname, "../../../src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "fetch-test-"));
const archives = new Map<string, Buffer>();
let server: Server;
let origin: string;

function pack(name: string, files: Readonly<Record<string, string>>): void {
  const source = mkdtempSync(join(folder, "source-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(source, path, ".."), { recursive: true });
    writeFileSync(join(source, path), text);
  }
  archives.set(`/${name}`, execFileSync("tar", ["--create", "--gzip", "--directory", source, ...readdirSync(source)]));
}

function sha256(name: string): string {
  return createHash("sha256")
    .update(archives.get(`/${name}`)!)
    .digest("hex");
}

/** Exit code, what it said, and the folder that it filled. */
function run(name: string, checksum: string, into = mkdtempSync(join(folder, "into-"))) {
  const args = [ENTRY, "fetch", `${origin}/${name}`, "--sha256", checksum, "--into", into];
  return new Promise<{ code: number; stderr: string; into: string }>((resolve) => {
    const child = execFile(process.execPath, args, { timeout: 20_000 }, (_error, _stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stderr, into }),
    );
  });
}

describe("tomcat-cluster fetch", () => {
  before(async () => {
    pack("app.tgz", { "package.json": "{}", "lib/index.js": "1" });
    pack("packed.tgz", { "package/package.json": "{}", "package/package/x": "1" });
    archives.set("/page", Buffer.from("<html>"));
    archives.set("/text.gz", gzipSync("no archive"));
    server = createServer((request, response) => {
      const body = archives.get(request.url!);
      if (request.url === "/moved.tgz") response.writeHead(302, { location: "/app.tgz" }).end();
      else response.writeHead(body ? 200 : 404).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("unpacks what has the right checksum, also from where it was moved to", async () => {
    for (const name of ["app.tgz", "moved.tgz"]) {
      const { code, stderr, into } = await run(name, sha256("app.tgz").toUpperCase());
      assert.deepEqual([code, stderr], [0, ""]);
      assert.deepEqual(readdirSync(into).sort(), ["lib", "package.json"]);
      assert.equal(readFileSync(join(into, "lib/index.js"), "utf8"), "1");
    }
  });

  it("takes an archive of one folder without that folder", async () => {
    const { code, into } = await run("packed.tgz", sha256("packed.tgz"));
    assert.equal(code, 0);
    assert.deepEqual(readdirSync(into).sort(), ["package", "package.json"]);
  });

  it("begins anew where an attempt before has left something", async () => {
    const { into } = await run("app.tgz", sha256("packed.tgz"));
    writeFileSync(join(into, "leftover"), "");
    const { code } = await run("app.tgz", sha256("app.tgz"), into);
    assert.equal(code, 0);
    assert.equal(existsSync(join(into, "leftover")), false);
  });

  it("refuses another archive, and unpacks nothing of it", async () => {
    const { code, stderr, into } = await run("app.tgz", "0".repeat(64));
    assert.equal(code, 1);
    assert.match(stderr, /app\.tgz" cannot be used: its SHA-256 is [0-9a-f]{64}, and 0{64} is expected\n$/);
    assert.equal(existsSync(join(into, "package.json")), false);
  });

  for (const [name, message] of [
    ["missing.tgz", /the server answers 404\n$/],
    ["text.gz", /tar cannot unpack it: tar: \S/],
    ["page", /it is no \.tar\.gz: incorrect header check\n$/],
  ] as const) {
    it(`says why "${name}" cannot be used`, async () => {
      const { code, stderr } = await run(name, archives.has(`/${name}`) ? sha256(name) : "0".repeat(64));
      assert.equal(code, 1);
      assert.match(stderr, message);
    });
  }

  it("says that nobody answers", async () => {
    origin = "http://127.0.0.1:1";
    const { code, stderr } = await run("app.tgz", "0".repeat(64));
    assert.equal(code, 1);
    assert.match(stderr, /^"http:\/\/127\.0\.0\.1:1\/app\.tgz" cannot be used: \S/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });
});
