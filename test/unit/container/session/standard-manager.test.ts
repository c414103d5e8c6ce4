import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, silentLogger, systemRandom } from "../../../../src/base/index.ts";
import { type ManagerOptions, StandardManager } from "../../../../src/container/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function create(options: Partial<ManagerOptions> = {}) {
  const clock = new ManualClock();
  const manager = new StandardManager(
    { clock, random: systemRandom, logger: silentLogger, registry: new Registry() },
    { name: "localhost#/shop", processExpiresFrequency: 1, ...options },
  );
  return { clock, manager };
}

describe("StandardManager", () => {
  it("draws ids of 32 upper-case hexadecimal digits, with the route when the engine has one", () => {
    assert.match(create().manager.generateSessionId(), /^[0-9A-F]{32}$/);
    assert.match(create({ jvmRoute: "shop-0" }).manager.generateSessionId(), /^[0-9A-F]{32}\.shop-0$/);
  });

  it("draws again when an id is taken", () => {
    const { manager } = create();
    const drawn = ["00", "00", "11"];
    const bytes = (length: number) => Buffer.alloc(length, drawn.shift()!, "hex");
    const own = new StandardManager(
      { clock: manager.clock, random: { bytes }, logger: silentLogger, registry: new Registry() },
      { name: "localhost#" },
    );
    assert.equal(own.createSession().id, "0".repeat(32));
    assert.equal(own.createSession().id, "1".repeat(32));
  });

  it("finds a session under its stem with any route, and under an old id for 60 s (rule 16)", async () => {
    const { clock, manager } = create({ jvmRoute: "a" });
    const session = manager.createSession();
    const oldId = session.id;
    assert.equal(manager.findSession(oldId.replace(".a", ".b")), session);
    manager.changeSessionId(session, oldId.replace(".a", ".b"));
    assert.equal(session.id, oldId.replace(".a", ".b"));
    assert.equal(manager.findSession(oldId), session);
    manager.changeSessionId(session, "F00D.b");
    assert.equal(manager.findSession("F00D"), session);
    await clock.advance(59_999);
    session.access();
    assert.equal(manager.findSession(oldId), session);
    await clock.advance(1);
    assert.equal(manager.findSession(oldId), undefined);
    assert.equal(manager.activeSessions, 1);
  });

  it("takes 100 000 sessions by default, and lets one that holds nothing live 60 s until its client comes back with it (rule 22)", async () => {
    const { clock, manager } = create();
    assert.equal(manager.maxActiveSessions, 100_000);
    const [empty, claimed, filled] = [manager.createSession(), manager.createSession(), manager.createSession()];
    for (const session of [empty, claimed, filled]) {
      session.access();
      session.endAccess();
    }
    claimed.access();
    claimed.endAccess();
    filled.setAttribute("n", 1);
    await clock.advance(59_999);
    assert.equal(manager.findSession(empty.id), empty);
    await clock.advance(1);
    const left = [empty, claimed, filled].map((session) => manager.findSession(session.id));
    assert.deepEqual(left, [undefined, claimed, filled]);
  });

  it("leads no alias to a session that is over", () => {
    const { manager } = create();
    const session = manager.createSession();
    const oldId = session.id;
    manager.changeSessionId(session, "F00D");
    session.invalidate();
    assert.equal(manager.findSession(oldId), undefined);
    assert.equal(manager.findSession("F00D"), undefined);
  });

  it("leaves a session alone that is not its own", () => {
    const { manager } = create();
    const stranger = create().manager.createSession();
    manager.changeSessionId(stranger, "F00D");
    assert.notEqual(stranger.id, "F00D");
  });

  it("scans many sessions in slices, so that no turn of the event loop is long", async () => {
    const { clock, manager } = create({ sessionTimeoutSeconds: 10 });
    for (let made = 0; made < 4500; made++) manager.createSession();
    await clock.advance(10_000);
    manager.backgroundProcess();
    assert.equal(manager.activeSessions, 2500);
    manager.backgroundProcess();
    assert.equal(manager.activeSessions, 2500, "a scan that runs is not started again");
    await clock.advance(0);
    assert.equal(manager.activeSessions, 0);
    assert.equal(clock.pendingTimers, 0);
    assert.deepEqual(
      [manager.createdSessions, manager.expiredSessions, manager.maxActiveSeen, manager.maxAliveSeconds],
      [4500, 4500, 4500, 10],
    );
  });

  it("scans in every sixth background run by default", async () => {
    const { clock, manager } = create({ processExpiresFrequency: 6, sessionTimeoutSeconds: 1 });
    manager.createSession();
    await clock.advance(1000);
    for (let run = 1; run <= 5; run++) manager.backgroundProcess();
    assert.equal(manager.activeSessions, 1);
    manager.backgroundProcess();
    assert.equal(manager.activeSessions, 0);
  });

  it("goes on when a session cannot be expired", async () => {
    const { clock, manager } = create({ sessionTimeoutSeconds: 10 });
    const broken = manager.createSession();
    manager.createSession();
    broken.expire = () => {
      throw new Error("listener");
    };
    await clock.advance(10_000);
    manager.backgroundProcess();
    assert.equal(manager.activeSessions, 1);
  });

  it("keeps sessions for ever with a timeout of 0 or less", async () => {
    const { clock, manager } = create({ sessionTimeoutSeconds: -1 });
    const session = manager.createSession();
    session.setAttribute("a", 1);
    await clock.advance(1e12);
    manager.backgroundProcess();
    assert.equal(manager.findSession(session.id), session);
  });

  it("forgets its sessions when it stops, and its timer", async () => {
    const { clock, manager } = create();
    await manager.start();
    for (let made = 0; made < 2001; made++) manager.createSession();
    manager.backgroundProcess();
    await manager.stop();
    assert.equal(clock.pendingTimers, 0);
    assert.equal(manager.activeSessions, 0);
  });
});
