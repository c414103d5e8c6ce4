// What hostile clients and members can do to a worker: nothing to others, and nothing without bounds.
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { encodeFrame } from "../../src/channel/wire/frame.ts";
import { stemOf } from "../../src/protocol/index.ts";
import { sessionCreated, sessionDelta } from "../../src/replication/message-bodies.ts";
import { DELTA_TYPES, DeltaRequest } from "../../src/replication/session/delta-request.ts";
import { type JavaValue, ObjectOutputStream, toJava } from "../../src/serialization/index.ts";
import { ReplicatedWorker } from "../support/replicated-worker.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";

const PORT = 4273;
const CONTEXT = "localhost#/app";
const ID = "0123456789ABCDEF0123456789ABCDEF.n9";
const MIB = 1024 * 1024;

const address = (n: number) => `127.0.73.${n}`;

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`Waited 20 s for: ${what}`);
    await pause(5);
  }
}

let resolver: ScriptedResolver;
let a: ReplicatedWorker;
let b: ReplicatedWorker;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  resolver = new ScriptedResolver();
  resolver.found(address(1), address(2));
  a = new ReplicatedWorker({ address: address(1), port: PORT, resolver });
  b = new ReplicatedWorker({ address: address(2), port: PORT, resolver });
  await a.start();
  await b.start();
  await until(() => a.channel.members.length === 1 && b.channel.members.length === 1, "both see each other");
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all([a.kill(), b.kill()]);
});

/** A connection to worker a from an address of its own choice. */
function attack(from: string): Socket {
  const socket = connect({ host: address(1), port: PORT, localAddress: from });
  socket.on("error", () => undefined).resume();
  sockets.push(socket);
  return socket;
}

/** Requests that change a session on one worker and are seen on the other. */
async function sessionsWork(): Promise<void> {
  const id = await b.create((session) => session.setAttribute("n", 0));
  for (let n = 1; n <= 20; n++) await b.request(id, (session) => session.setAttribute("n", n));
  // A worker that was too busy to acknowledge in time gets the whole session afterwards (rule 11).
  await until(() => a.digest === b.digest, "the copies are equal");
  assert.equal(a.find(id).getAttribute("n"), 20);
}

/** Puts this value into a session of worker a as a member that lies does: straight into the bytes. */
async function plant(name: string, value: JavaValue): Promise<void> {
  const request = new DeltaRequest();
  request.set(DELTA_TYPES.Attribute, name, value);
  const send = (body: Buffer) =>
    b.channel.send(b.channel.members, { kind: "Object", body }, { acknowledge: "Processed", asynchronous: false, orderKey: stemOf(ID) });
  await send(sessionCreated(CONTEXT, ID, Date.now(), Date.now()));
  await send(sessionDelta(CONTEXT, ID, request.encode(ID), 1, Date.now()));
}

/** 2 ** `pairs` keys: "Aa" and "BB" have one hash in Java. */
function collidingKeys(pairs: number): string[] {
  let keys = [""];
  for (let pair = 0; pair < pairs; pair++) keys = keys.flatMap((key) => [`${key}Aa`, `${key}BB`]);
  return keys;
}

describe("a worker under abuse", () => {
  it("bounds what 500 connections with endless and half frames take, and serves its members meanwhile (rule 20)", async () => {
    const attackers = Array.from({ length: 16 }, (_, n) => address(100 + n));
    // They are listed: somebody has got into the group's addresses.
    resolver.found(address(1), address(2), ...attackers);
    await pause(300);
    const endless = Buffer.concat([encodeFrame(Buffer.alloc(0)).subarray(0, 7), Buffer.of(3, 0xff, 0, 0), Buffer.alloc(MIB)]);
    const half = encodeFrame(Buffer.alloc(200)).subarray(0, 100);
    const before = process.memoryUsage();
    for (let n = 0; n < 500; n++) {
      const socket = attack(attackers[n % attackers.length]!);
      socket.write(n % 3 === 0 ? half : endless);
    }
    await until(() => sockets.every((socket) => !socket.connecting), "every connection has been tried");
    await sessionsWork();
    await pause(500);
    const after = process.memoryUsage();
    // 64 MiB of unidentified buffers, and what Node has for 500 sockets of both sides.
    assert.ok(after.arrayBuffers - before.arrayBuffers < 128 * MIB, `${(after.arrayBuffers - before.arrayBuffers) / MIB} MiB`);
    await sessionsWork();
    assert.equal(
      a.channel.members.some(({ name }) => name.includes(address(2))),
      true,
    );
  });

  it("refuses more than 32 connections of one address before it says who it is (rule 20)", async () => {
    const many = Array.from({ length: 40 }, () => attack(address(67)));
    await until(() => many.filter((socket) => socket.closed).length === 8, "eight of forty are closed");
    await sessionsWork();
  });

  it("reads a value whose parts are shared a billion times in no more time than it has parts", async () => {
    let laughs: unknown[] = ["ha"];
    for (let level = 0; level < 60; level++) laughs = [laughs, laughs];
    await plant("laughs", toJava(laughs));
    // 2 ** 60 parts: whoever expanded them would not come to an end.
    await a.request(ID, (session) => {
      let value = session.getAttribute("laughs") as unknown[];
      for (let level = 0; level < 60; level++) {
        assert.equal(value.length, 2);
        value = value[1] as unknown[];
      }
    });
    await sessionsWork();
    assert.equal(a.digest, b.digest);
  });

  it("takes maps whose keys all have one hash in Java", async () => {
    const keys = collidingKeys(14);
    assert.equal(keys.length, 16_384);
    await plant("map", toJava(new Map(keys.map((key, n) => [key, n]))));
    await a.request(ID, (session) => {
      const map = session.getAttribute("map") as Map<string, number>;
      assert.equal(map.size, keys.length);
      map.set("one more", 1);
    });
    await until(() => a.digest === b.digest, "the copies are equal");
    assert.equal((b.find(ID).getAttribute("map") as Map<string, number>).get("one more"), 1);
  });

  it("never makes __proto__, constructor or prototype of a member's map a property (rule 22)", async () => {
    // Own properties here, as JSON has them: what arrives is a LinkedHashMap with these keys.
    const hostile = ["__proto__", "constructor", "prototype"].map((key) => JSON.parse(`{"${key}":{"admin":true},"n":1}`));
    await plant("users", toJava(hostile));
    await a.request(ID, (session) => {
      for (const user of session.getAttribute("users") as unknown[]) {
        assert.ok(user instanceof Map, "a Map, whose keys are no properties");
        assert.equal((user as unknown as { admin?: boolean }).admin, undefined);
        assert.equal(user.get("n"), 1);
      }
      assert.equal(({} as { admin?: boolean }).admin, undefined);
      session.setAttribute("seen", true);
    });
    await a.request(ID, (session) => session.setAttribute("__proto__", "only a name"));
    assert.equal(b.find(ID).getAttribute("__proto__"), "only a name");
    assert.equal(a.digest, b.digest);
  });

  it("refuses garbage of a member that is known, and goes on with its next message", async () => {
    const garbage = new ObjectOutputStream();
    garbage.writeObject("no session message");
    for (const body of [garbage.toBuffer(), Buffer.from("aced0005", "hex"), Buffer.alloc(1000, 0x73)]) {
      const sent = b.channel.send(b.channel.members, { kind: "Object", body }, { acknowledge: "Processed", asynchronous: false });
      await sent.catch(() => undefined);
    }
    await sessionsWork();
  });
});
