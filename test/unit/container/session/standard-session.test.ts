import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SessionKeeper, StandardSession } from "../../../../src/container/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function create() {
  const clock = new ManualClock(1000);
  const expired: [StandardSession, boolean, unknown][] = [];
  const keeper: SessionKeeper = { clock, sessionExpired: (session, notify) => expired.push([session, notify, session.getAttribute("a")]) };
  return { clock, expired, session: new StandardSession(keeper, "0A.n1", 60) };
}

describe("StandardSession", () => {
  it("keeps attributes; null removes them, undefined is refused (rule 15)", () => {
    const { session } = create();
    session.setAttribute("a", { deep: [1] });
    session.setAttribute("b", 0);
    assert.deepEqual(session.getAttribute("a"), { deep: [1] });
    assert.deepEqual(session.getAttributeNames(), ["a", "b"]);
    session.setAttribute("a", null);
    assert.throws(() => session.setAttribute("b", undefined), /^TypeError: Session attribute "b" cannot be undefined/);
    session.setAttribute("__proto__", "safe");
    assert.deepEqual(session.getAttributeNames(), ["b", "__proto__"]);
    session.removeAttribute("__proto__");
    assert.equal(session.getAttribute("__proto__"), undefined);
    assert.throws(() => session.setAttribute(1 as unknown as string, 1), TypeError);
  });

  it("knows when it was made and used, and that it is new until its first request is over", async () => {
    const { clock, session } = create();
    session.access();
    assert.equal(session.isNew, true);
    await clock.advance(10);
    session.endAccess();
    await clock.advance(5);
    session.access();
    assert.deepEqual([session.isNew, session.creationTime, session.lastAccessedTime], [false, 1000, 1010]);
  });

  it("expires by itself when idle, not in use, and tells its keeper once while attributes can be read", async () => {
    const { clock, expired, session } = create();
    session.setAttribute("a", "kept");
    session.access();
    await clock.advance(100_000);
    assert.equal(session.valid, true);
    session.endAccess();
    await clock.advance(59_999);
    assert.equal(session.valid, true);
    await clock.advance(1);
    assert.equal(session.valid, false);
    assert.equal(session.valid, false);
    assert.deepEqual(expired, [[session, true, "kept"]]);
  });

  it("takes another maxInactiveInterval, in whole seconds", async () => {
    const { clock, session } = create();
    session.maxInactiveInterval = 0;
    await clock.advance(1e9);
    assert.equal(session.maxInactiveInterval, 0);
    assert.throws(() => {
      session.maxInactiveInterval = 1.5;
    }, RangeError);
  });

  it("throws from every member but id once invalidated", () => {
    const { session } = create();
    session.facade.invalidate();
    const facade = session.facade;
    assert.equal(facade.id, "0A.n1");
    for (const use of [
      () => facade.creationTime,
      () => facade.lastAccessedTime,
      () => facade.isNew,
      () => facade.maxInactiveInterval,
      () => {
        facade.maxInactiveInterval = 1;
      },
      () => facade.getAttribute("a"),
      () => facade.setAttribute("a", 1),
      () => facade.removeAttribute("a"),
      () => facade.getAttributeNames(),
      () => facade.invalidate(),
    ]) {
      assert.throws(use, { code: "ILLEGAL_STATE" });
    }
  });

  it("shows applications a facade that refuses other properties, naming setAttribute, in sloppy code too", () => {
    const { session } = create();
    const facade = session.facade as unknown as Record<string, unknown>;
    assert.throws(
      () => {
        facade.cart = [];
      },
      { code: "SESSION_PROPERTY", message: /no property "cart".*setAttribute\("cart", value\)/ },
    );
    assert.throws(() => new Function("session", "session.cart = 1")(facade), { code: "SESSION_PROPERTY" });
    assert.equal(facade.cart, undefined);
    facade.maxInactiveInterval = 7;
    assert.equal(session.maxInactiveInterval, 7);
    assert.equal(session.facade, session.facade);
  });
});
