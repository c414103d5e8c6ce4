import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { silentLogger } from "../../../../src/base/index.ts";
import type { Member } from "../../../../src/channel/channel.ts";
import { DnsMembershipService } from "../../../../src/channel/membership/dns-membership-service.ts";
import { createMember, isShutdown, SHUTDOWN_COMMAND } from "../../../../src/channel/wire/member-block.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { testMetrics } from "../../../support/recording-layers.ts";
import { ScriptedResolver } from "../../../support/scripted-resolver.ts";

const REFRESH_MS = 2000;

async function startService(options: { found?: string[]; local?: string; expirationMs?: number; refreshMs?: number } = {}) {
  const clock = new ManualClock();
  const resolver = new ScriptedResolver();
  if (options.found) resolver.found(...options.found);
  const service = new DnsMembershipService(
    { clock, resolver, logger: silentLogger, metrics: testMetrics() },
    { dnsName: "shop-members", refreshMs: options.refreshMs ?? REFRESH_MS, expirationMs: options.expirationMs ?? 0 },
  );
  const events: string[] = [];
  service.listener = {
    memberAdded: (member) => void events.push(`added ${member.address}`),
    memberDisappeared: (member) => void events.push(`disappeared ${member.address}${isShutdown(member) ? " for good" : ""}`),
  };
  await service.start({ address: options.local ?? "10.0.0.1", port: 4000 });
  return { clock, resolver, service, events };
}

function names(members: readonly Member[]): string[] {
  return members.map((member) => member.name);
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

describe("DnsMembershipService", () => {
  it("rule 1: makes every listed address but its own a member with the receiver's port, in the order of first sight", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.3", "10.0.0.1", "10.0.0.2"] });
    assert.deepEqual(names(service.members), ["tcp://10.0.0.3:4000", "tcp://10.0.0.2:4000"]);
    resolver.found("10.0.0.4", "10.0.0.2", "10.0.0.3", "10.0.0.1");
    await clock.advance(REFRESH_MS);
    assert.deepEqual(names(service.members), ["tcp://10.0.0.3:4000", "tcp://10.0.0.2:4000", "tcp://10.0.0.4:4000"]);
    assert.deepEqual(events, ["added 10.0.0.3", "added 10.0.0.2", "added 10.0.0.4"]);
    assert.equal(service.listsLocalMember, true);
    await service.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("gives members and itself the MD5 of their address text, as Java writes it", async () => {
    const four = await startService({ found: ["127.0.0.2"], local: "127.0.0.9" });
    assert.equal(four.service.members[0]?.uniqueId.toString("hex"), "ab416c39d509e72c5a0a7451a45bc65e");
    await four.service.stop();
    const six = await startService({ found: ["2001:db8::5"], local: "2001:0db8::1" });
    assert.equal(six.service.members[0]?.uniqueId.toString("hex"), md5("2001:db8:0:0:0:0:0:5"));
    assert.equal(six.service.localMember.uniqueId.toString("hex"), md5("2001:db8:0:0:0:0:0:1"));
    await six.service.stop();
  });

  it("rule 1: ignores addresses of the other family and what is no address", async () => {
    const { service } = await startService({ found: ["::1", "10.0.0.2", "nonsense"] });
    assert.deepEqual(names(service.members), ["tcp://10.0.0.2:4000"]);
    await service.stop();
  });

  it("takes at most 1000 addresses of an answer", async () => {
    const { service } = await startService({ found: Array.from({ length: 1200 }, (_, index) => `10.1.${index >> 8}.${index & 255}`) });
    assert.equal(service.members.length, 1000);
    await service.stop();
  });

  it("rule 2: changes nothing while nobody can tell: a DNS server that restarts changes no view", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.1", "10.0.0.2"] });
    resolver.unavailable();
    await clock.advance(10 * 60_000);
    resolver.found("10.0.0.1", "10.0.0.2");
    await clock.advance(REFRESH_MS);
    assert.deepEqual(events, ["added 10.0.0.2"]);
    assert.deepEqual(names(service.members), ["tcp://10.0.0.2:4000"]);
    await service.stop();
  });

  it("takes a resolver that fails for one that cannot tell", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.1", "10.0.0.2"] });
    const broken = Promise.withResolvers<void>();
    resolver.gate = broken.promise;
    await clock.advance(REFRESH_MS);
    broken.reject(new Error("EACCES: resolv.conf"));
    resolver.gate = undefined;
    await clock.advance(REFRESH_MS);
    assert.equal(resolver.lookUps, 3, "and asks on");
    assert.deepEqual(events, ["added 10.0.0.2"]);
    await service.stop();
  });

  it("rule 2: reports absence at the first definitive answer where a detector asks the member, and for good after 30 s", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.1", "10.0.0.2"] });
    resolver.absent();
    await clock.advance(REFRESH_MS);
    assert.deepEqual(events, ["added 10.0.0.2", "disappeared 10.0.0.2"]);
    assert.equal(service.listsLocalMember, false);
    await clock.advance(28_000);
    assert.equal(events.length, 2);
    await clock.advance(2000);
    assert.deepEqual(events.slice(2), ["disappeared 10.0.0.2 for good"]);
    await clock.advance(60_000);
    assert.equal(events.length, 3);
    await service.stop();
  });

  it("rule 2: does not let time without an answer count as absence", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.2"] });
    resolver.absent();
    await clock.advance(REFRESH_MS);
    resolver.unavailable();
    await clock.advance(120_000);
    assert.deepEqual(events, ["added 10.0.0.2", "disappeared 10.0.0.2"]);
    resolver.found("10.0.0.2");
    await clock.advance(REFRESH_MS);
    assert.deepEqual(events.slice(2), ["added 10.0.0.2"]);
    await service.stop();
  });

  it("keeps an absent member for the expiry where no detector asks it", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.2", "10.0.0.3"], expirationMs: 5000 });
    resolver.found("10.0.0.3");
    await clock.advance(6000);
    assert.equal(events.length, 2);
    await clock.advance(2000);
    assert.deepEqual(events.slice(2), ["disappeared 10.0.0.2"]);
    await service.stop();
  });

  it("does not overlap look-ups, and makes one more for all who ask while one runs", async () => {
    const { clock, resolver, service } = await startService({ found: ["10.0.0.1"] });
    const before = resolver.lookUps;
    await clock.advance(500);
    const gate = Promise.withResolvers<void>();
    resolver.gate = gate.promise;
    const first = service.admit("10.0.0.7");
    const others = ["10.0.0.8", "10.0.0.9", "10.0.0.7"].map((address) => service.admit(address));
    await clock.advance(0);
    resolver.gate = undefined;
    resolver.found("10.0.0.1", "10.0.0.7");
    gate.resolve();
    await clock.advance(500);
    assert.equal(await first, true);
    assert.deepEqual(await Promise.all(others), [false, false, true]);
    assert.equal(resolver.lookUps - before, 2);
    assert.equal(resolver.mostAtOnce, 1);
    await service.stop();
  });

  it("admits a stranger only after a look-up that lists it (rule 20)", async () => {
    const { clock, resolver, service } = await startService({ found: ["10.0.0.1"] });
    assert.equal(service.isKnown("10.0.0.5"), false);
    const refused = service.admit("10.0.0.5");
    await clock.advance(200);
    assert.equal(await refused, false);
    resolver.found("10.0.0.1", "10.0.0.5");
    const admitted = service.admit("10.0.0.5");
    await clock.advance(200);
    assert.equal(await admitted, true);
    assert.equal(service.isKnown("10.0.0.5"), true);
    resolver.unavailable();
    assert.equal(service.isKnown("10.0.0.5"), true);
    await service.stop();
  });

  it("answers a stranger also where look-ups follow one another so fast that none may come between (rule 20)", async () => {
    const { clock, resolver, service } = await startService({ found: ["10.0.0.1"], refreshMs: 50 });
    resolver.found("10.0.0.1", "10.0.0.5");
    const admitted = service.admit("10.0.0.5");
    await clock.advance(200);
    assert.equal(await Promise.race([admitted, Promise.resolve("waits")]), true);
    await service.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("takes loopback connections between loopback members, whatever their address, and still looks the sender up", async () => {
    const { clock, service } = await startService({ found: ["127.0.8.1", "127.0.8.2"], local: "127.0.8.1" });
    assert.equal(service.isKnown("127.0.0.1"), true);
    assert.equal(service.isKnown("10.0.0.1"), false);
    const stranger = service.messageFrom(createMember({ address: "127.0.8.77", port: 4000 }), clock.now());
    await clock.advance(200);
    assert.equal(await stranger, undefined);
    await service.stop();
  });

  it("adds an unknown sender when a look-up made now lists it, before its message goes on (rule 4)", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.1"] });
    await clock.advance(300);
    resolver.found("10.0.0.1", "10.0.0.6");
    const sender = createMember({ address: "10.0.0.6", port: 4000, uniqueId: Buffer.alloc(16) });
    const member = await service.messageFrom(sender, clock.now());
    assert.deepEqual(events, ["added 10.0.0.6"]);
    assert.equal(member?.key, createMember({ address: "10.0.0.6", port: 4000 }).key);
    assert.equal(service.messageFrom(sender, clock.now()), member, "known now: no promise, and the id of the address in place of zeros");
    await service.stop();
  });

  it("looks an unlisted sender up once a second, not for each message", async () => {
    const { clock, resolver, service } = await startService({ found: ["10.0.0.1"] });
    const stranger = createMember({ address: "10.0.0.66", port: 4000 });
    const before = resolver.lookUps;
    await clock.advance(300);
    const first = service.messageFrom(stranger, clock.now());
    await clock.advance(100);
    assert.equal(await first, undefined);
    for (let message = 0; message < 50; message++) assert.equal(service.messageFrom(stranger, clock.now()), undefined);
    assert.equal(resolver.lookUps - before, 1);
    await service.stop();
  });

  it("rule 1: knows no member on another port than the group's", async () => {
    const { clock, service } = await startService({ found: ["10.0.0.1", "10.0.0.2"] });
    assert.equal(service.messageFrom(createMember({ address: "10.0.0.2", port: 4001 }), clock.now()), undefined);
    await service.stop();
  });

  it("removes a member at its good-bye, and takes it back only when it speaks again", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.1", "10.0.0.2"] });
    const member = service.members[0]!;
    const saidAt = clock.now();
    assert.equal(service.messageFrom(createMember({ ...member, command: SHUTDOWN_COMMAND }), saidAt), undefined);
    assert.deepEqual(events, ["added 10.0.0.2", "disappeared 10.0.0.2 for good"]);
    assert.deepEqual(service.members, []);

    await clock.advance(10 * REFRESH_MS);
    assert.equal(events.length, 2, "DNS lists it still");
    assert.equal(service.messageFrom(member, saidAt), undefined, "left the member before the good-bye, arrived behind it");
    assert.equal(events.length, 2);

    const hello = service.messageFrom(member, saidAt + 1);
    await clock.advance(200);
    assert.equal((await hello)?.key, member.key);
    assert.deepEqual(events.slice(2), ["added 10.0.0.2"]);

    await service.messageFrom(createMember({ ...member, command: SHUTDOWN_COMMAND }), clock.now());
    resolver.found("10.0.0.1");
    await clock.advance(REFRESH_MS);
    resolver.found("10.0.0.1", "10.0.0.2");
    await clock.advance(REFRESH_MS);
    assert.deepEqual(events.slice(3), ["disappeared 10.0.0.2 for good", "added 10.0.0.2"], "listed anew after it was gone from DNS");
    await service.stop();
  });

  it("stops while a look-up runs, leaves no timer and ignores the answer", async () => {
    const { clock, resolver, service, events } = await startService({ found: ["10.0.0.1"] });
    const gate = Promise.withResolvers<void>();
    resolver.gate = gate.promise;
    await clock.advance(REFRESH_MS);
    resolver.found("10.0.0.1", "10.0.0.2");
    const waiting = service.admit("10.0.0.2");
    const stopped = service.stop();
    gate.resolve();
    await stopped;
    assert.equal(await waiting, false);
    assert.deepEqual(events, []);
    assert.equal(clock.pendingTimers, 0);
  });
});
