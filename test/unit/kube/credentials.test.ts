import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { CredentialsError, KubeConfigCredentials } from "../../../src/kube/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";

let folder: string;
let clock: ManualClock;
let kubeconfig: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  kubeconfig = join(folder, "config");
  clock = new ManualClock();
  writeFileSync(join(folder, "ca.crt"), "first ca");
  writeConfig({ "client-certificate-data": Buffer.from("my cert").toString("base64"), token: "one" });
});

afterEach(() => rmSync(folder, { recursive: true }));

function writeConfig(user: object, cluster: object = { server: "https://api.example:6443/", "certificate-authority": "ca.crt" }): void {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "here",
    contexts: [{ name: "here", context: { cluster: "c", user: "u", namespace: "shop" } }],
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
}

describe("KubeConfigCredentials", () => {
  it("reads server, certificates, token and namespace of a kubeconfig, with paths relative to it", async () => {
    const credentials = new KubeConfigCredentials({ clock }, { kubeconfig });
    const { server, headers, tls } = await credentials.access();
    assert.equal(server, "https://api.example:6443");
    assert.deepEqual(headers, { Authorization: "Bearer one" });
    assert.equal(String(tls.ca), "first ca");
    assert.equal(String(tls.cert), "my cert");
    assert.equal(credentials.namespace, "shop");
  });

  it("sees a certificate that was replaced within 10 seconds, and reads no file more often", async () => {
    const credentials = new KubeConfigCredentials({ clock }, { kubeconfig });
    await credentials.access();
    writeFileSync(join(folder, "ca.crt"), "second ca");
    assert.equal(String((await credentials.access()).tls.ca), "first ca");
    await clock.advance(10_000);
    assert.equal(String((await credentials.access()).tls.ca), "second ca");
  });

  it("reads the whole kubeconfig again when it was refused, but not again and again", async () => {
    const credentials = new KubeConfigCredentials({ clock }, { kubeconfig });
    await credentials.access();
    writeConfig({ token: "two" });
    credentials.refused();
    assert.equal((await credentials.access()).headers.Authorization, "Bearer one", "it was read a moment ago");
    await clock.advance(10_000);
    credentials.refused();
    assert.equal((await credentials.access()).headers.Authorization, "Bearer two");
  });

  it("reads a token file again when its token was refused", async () => {
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, "mounted");
    writeConfig({ "auth-provider": { name: "tokenFile", config: { tokenFile } } });
    const credentials = new KubeConfigCredentials({ clock }, { kubeconfig });
    assert.equal((await credentials.access()).headers.Authorization, "Bearer mounted");
    writeFileSync(tokenFile, "rotated");
    await clock.advance(10_000);
    credentials.refused();
    assert.equal((await credentials.access()).headers.Authorization, "Bearer rotated");
  });

  it("tells what is wrong, and recovers when it is right again", async () => {
    const credentials = new KubeConfigCredentials({ clock }, { kubeconfig });
    rmSync(join(folder, "ca.crt"));
    await assert.rejects(credentials.access(), CredentialsError);
    writeFileSync(join(folder, "ca.crt"), "third ca");
    assert.equal(String((await credentials.access()).tls.ca), "third ca");
    assert.throws(() => new KubeConfigCredentials({ clock }, { kubeconfig: join(folder, "none") }), /no such file.*--kubeconfig/s);
  });

  it("keeps user name, impersonation, server name and a refusal to check", async () => {
    writeConfig(
      { username: "me", password: "secret", as: "somebody" },
      { server: "https://1.2.3.4", "tls-server-name": "api.internal", "insecure-skip-tls-verify": true, "proxy-url": "http://proxy:3128" },
    );
    const { headers, tls, proxyUrl } = await new KubeConfigCredentials({ clock }, { kubeconfig }).access();
    const basic = `Basic ${Buffer.from("me:secret").toString("base64")}`;
    assert.deepEqual(headers, { "Impersonate-User": "somebody", Authorization: basic });
    assert.deepEqual([tls.servername, tls.rejectUnauthorized, proxyUrl], ["api.internal", false, "http://proxy:3128"]);
  });
});
