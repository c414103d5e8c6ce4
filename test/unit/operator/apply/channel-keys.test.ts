import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../../../src/kube/index.ts";
import { ChannelKeys } from "../../../../src/operator/apply/channel-keys.ts";
import { clusterOf } from "../../../support/desired-inputs.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryKubernetes } from "../../../support/memory-kubernetes.ts";

const SECRET = { namespace: "web", name: "shop-channel-1" };
const signal = new AbortController().signal;

function setUp() {
  const kubernetes = new MemoryKubernetes();
  const clock = new ManualClock();
  let drawn = 0;
  const random = { bytes: (length: number) => Buffer.alloc(length, ++drawn) };
  return { kubernetes, clock, keys: new ChannelKeys({ clock, random, client: kubernetes.client }) };
}

describe("ChannelKeys", () => {
  it("makes a key that cannot be changed, once", async () => {
    const { kubernetes, keys } = setUp();
    assert.equal(await keys.ensure(clusterOf({}), "uid", 1, signal), undefined);
    await keys.ensure(clusterOf({}), "uid", 1, signal);
    const secret = kubernetes.get<KubeObject & { immutable: boolean; data: { key: string } }>("Secret", SECRET)!;
    assert.equal(secret.immutable, true);
    assert.equal(Buffer.from(secret.data.key, "base64").toString(), `${"01".repeat(32)}\n`);
    assert.deepEqual(kubernetes.writes, ["create Secret web/shop-channel-1"]);
  });

  it("uses the key that another process has made a moment ago", async () => {
    const { kubernetes, clock } = setUp();
    const client = { ...kubernetes.client, find: kubernetes.client.find };
    let isBlind = true;
    client.find = (of, ref) => {
      if (!isBlind) return kubernetes.client.find(of, ref);
      isBlind = false;
      return Promise.resolve(undefined);
    };
    await new ChannelKeys({ clock, random: { bytes: (n) => Buffer.alloc(n, 9) }, client: kubernetes.client }).ensure(
      clusterOf({}),
      "uid",
      1,
      signal,
    );
    const late = new ChannelKeys({ clock, random: { bytes: (n) => Buffer.alloc(n, 8) }, client });
    assert.equal(await late.ensure(clusterOf({}), "uid", 1, signal), undefined);
    assert.equal(kubernetes.writes.length, 1);
  });

  it("refuses a Secret of another owner", async () => {
    const { kubernetes, keys } = setUp();
    kubernetes.put({ apiVersion: "v1", kind: "Secret", metadata: SECRET });
    assert.equal((await keys.ensure(clusterOf({}), "uid", 1, signal))?.metadata.name, "shop-channel-1");
  });

  it("looks again after ten minutes, and makes one that somebody has deleted", async () => {
    const { kubernetes, clock, keys } = setUp();
    await keys.ensure(clusterOf({}), "uid", 1, signal);
    kubernetes.remove("Secret", SECRET);
    await clock.advance(600_000);
    await keys.ensure(clusterOf({}), "uid", 1, signal);
    assert.equal(kubernetes.writes.length, 2);
  });
});
