import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "../../../src/base/index.ts";
import { MemberMetrics } from "../../../src/channel/member-metrics.ts";
import { testMember } from "../../support/recording-layers.ts";

const [B, C] = [testMember(2), testMember(3)];

describe("MemberMetrics", () => {
  it("counts for each member, in metrics with its name and for pages", async () => {
    const registry = new Registry();
    const metrics = new MemberMetrics(registry);
    metrics.of(B).sent(2, 300);
    metrics.of(B).acknowledged(0.002);
    metrics.of(B).acknowledged(0.003);
    metrics.of(B).failed();
    metrics.of(C).received(120);
    const text = await registry.metrics();
    for (const line of [
      `sent_messages_total{member="${B.name}"} 2`,
      `sent_bytes_total{member="${B.name}"} 300`,
      `failures_total{member="${B.name}"} 1`,
      `received_messages_total{member="${C.name}"} 1`,
      `received_bytes_total{member="${C.name}"} 120`,
      `ack_seconds_count{member="${B.name}"} 2`,
    ]) {
      assert.ok(text.includes(`tomcatcluster_channel_member_${line}\n`), line);
    }
    assert.deepEqual(metrics.of(B).traffic, {
      sentMessages: 2,
      sentBytes: 300,
      failedMessages: 1,
      receivedMessages: 0,
      receivedBytes: 0,
      meanAckMs: 2.5,
    });
    assert.equal(metrics.of(C).traffic.meanAckMs, undefined);
  });

  it("has no metrics of a member that has gone, and none of its old counts when it is back", async () => {
    const registry = new Registry();
    const metrics = new MemberMetrics(registry);
    metrics.of(B).sent(1, 100);
    metrics.forget(B);
    metrics.forget(C);
    assert.ok(!(await registry.metrics()).includes(B.name));
    assert.equal(metrics.of(B).traffic.sentMessages, 0);
  });

  it("keeps at most 1024 members, the newest", async () => {
    const registry = new Registry();
    const metrics = new MemberMetrics(registry);
    for (let port = 1; port <= 1025; port++) metrics.of(testMember(2, port)).failed();
    const text = await registry.metrics();
    assert.equal([...text.matchAll(/^tomcatcluster_channel_member_failures_total\{/gm)].length, 1024);
    assert.ok(!text.includes(`"${testMember(2, 1).name}"`));
  });
});
