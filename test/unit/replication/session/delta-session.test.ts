import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { UnreplicableAttributeError } from "../../../../src/replication/errors.ts";
import {
  DELTA_TYPES,
  type DecodedDelta,
  type DeltaRequest,
  decodeDelta,
  MAX_INTERVAL_NAME,
} from "../../../../src/replication/session/delta-request.ts";
import { DeltaSession } from "../../../../src/replication/session/delta-session.ts";
import { JavaObject, javaBoolean, javaInteger, javaLong, ObjectInputStream, toJavaScript } from "../../../../src/serialization/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

const ID = "0123456789ABCDEF0123456789ABCDEF.a";
const NOTE = "org.apache.catalina.authenticator.SESSION_ID";

let clock: ManualClock;
let refused: UnreplicableAttributeError[];
let expired: string[];
let missesNews: boolean;

function newSession(recordAllActions = false): DeltaSession {
  const keeper = {
    clock,
    get missesNews() {
      return missesNews;
    },
    sessionExpired: () => expired.push("expired"),
    attributeNotReplicable: (_session: DeltaSession, error: UnreplicableAttributeError) => refused.push(error),
  };
  return new DeltaSession(keeper, ID, 1800, { recordAllActions });
}

/** One that the others know, with nothing left to send. */
function announced(attributes: Record<string, unknown> = {}): DeltaSession {
  const session = newSession();
  for (const [name, value] of Object.entries({ known: true, ...attributes })) session.setAttribute(name, value);
  session.takeDelta();
  session.announced = true;
  return session;
}

function taken(session: DeltaSession): DecodedDelta {
  const delta = session.takeDelta();
  assert.ok(delta, "there is a delta");
  return decodeDelta(delta);
}

function summary(delta: DecodedDelta): Record<string, unknown> {
  return Object.fromEntries(delta.actions.map(({ name, remove, value }) => [name, remove ? "removed" : toJavaScript(value ?? null)]));
}

function apply(session: DeltaSession, ...actions: Parameters<DeltaRequest["add"]>[0][]): void {
  session.applyDelta(actions);
}

beforeEach(() => {
  clock = new ManualClock();
  refused = [];
  expired = [];
  missesNews = false;
});

describe("DeltaSession after a standstill of its process (rule 11)", () => {
  for (const primary of [true, false]) {
    it(`does not end ${primary ? "for all" : "its copy"} before it has heard whether others have used it`, async () => {
      const session = announced();
      session.primary = primary;
      missesNews = true;
      await clock.advance(4_000_000);
      assert.deepEqual([session.valid, expired], [true, []]);
      missesNews = false;
      assert.deepEqual([session.valid, expired], [false, ["expired"]]);
    });
  }
});

describe("DeltaSession records", () => {
  it("sets, removals and the interval, the last of each name", () => {
    const session = announced({ gone: 1 });
    session.setAttribute("n", 1);
    session.setAttribute("n", 2);
    session.removeAttribute("gone");
    session.maxInactiveInterval = 60;
    assert.deepEqual(summary(taken(session)), { n: 2, gone: "removed", [MAX_INTERVAL_NAME]: 60 });
  });

  it("nothing for the removal of what is not there", () => {
    const session = announced();
    session.removeAttribute("never");
    session.setAttribute("never", null);
    assert.equal(session.takeDelta(), undefined);
  });

  it("nothing once it was taken, and counts each taking", () => {
    const session = announced();
    assert.equal(session.version, 1);
    session.setAttribute("n", 1);
    taken(session);
    assert.equal(session.version, 2);
    assert.equal(session.takeDelta(), undefined);
    assert.equal(session.version, 2);
  });

  it("every action in order when it is told to", () => {
    const session = newSession(true);
    session.setAttribute("n", 1);
    session.setAttribute("n", 2);
    const { actions, recordAllActions } = taken(session);
    assert.equal(recordAllActions, true);
    assert.deepEqual(
      actions.filter(({ name }) => name === "n").map(({ value }) => toJavaScript(value ?? null)),
      [1, 2],
    );
  });

  it("the interval in its first delta, which a Tomcat cannot know (rule 22)", () => {
    const session = newSession();
    session.setAttribute("n", 1);
    assert.deepEqual(summary(taken(session)), { n: 1, [MAX_INTERVAL_NAME]: 1800 });
  });

  it("but keeps for itself what nobody knows the session for yet (rule 22)", () => {
    const session = newSession();
    session.maxInactiveInterval = 60;
    assert.equal(session.takeDelta(), undefined);
    session.setAttribute("n", 1);
    assert.deepEqual(summary(taken(session)), { n: 1, [MAX_INTERVAL_NAME]: 60 });
  });
});

describe("DeltaSession and changes in place (rule 14)", () => {
  it("sends an object that was read and changed", () => {
    const session = announced({ cart: { items: ["a"] } });
    (session.getAttribute("cart") as { items: string[] }).items.push("b");
    assert.deepEqual(summary(taken(session)), { cart: { items: ["a", "b"] } });
  });

  it("sends nothing for an object that was only read", () => {
    const session = announced({
      cart: { items: ["a"], at: new Date(0), bytes: Buffer.from("x"), set: new Set([1]), map: new Map([[1, 2]]) },
    });
    session.getAttribute("cart");
    assert.equal(session.takeDelta(), undefined);
  });

  it("sends what an object held when the request ended, not when it was set", () => {
    const session = announced();
    const cart = ["a"];
    session.setAttribute("cart", cart);
    cart.push("b");
    assert.deepEqual(summary(taken(session)), { cart: ["a", "b"] });
  });

  it("hands out the same object until another one arrives", () => {
    const session = announced({ cart: [1] });
    assert.equal(session.getAttribute("cart"), session.getAttribute("cart"));
  });

  it("notices changes of a received object, and keeps its Java type", () => {
    const session = announced();
    apply(session, { type: DELTA_TYPES.Attribute, remove: false, name: "n", value: javaLong(5) });
    const { actions } = decodeDelta(tribesVector("deltarequest-attributes").bytes);
    apply(session, ...actions);
    (session.getAttribute("map") as Map<string, unknown>).set("n", 8);
    const [changed] = taken(session).actions;
    assert.equal(changed?.name, "map");
    assert.equal((changed.value as JavaObject).className, "java.util.HashMap");
  });

  it("sends a received object that was only read as little as any other", () => {
    const session = announced();
    apply(session, ...decodeDelta(tribesVector("deltarequest-attributes").bytes).actions);
    for (const name of session.getAttributeNames()) session.getAttribute(name);
    assert.equal(session.takeDelta(), undefined);
  });

  it("goes on looking while another request with the session runs", () => {
    const session = announced({ cart: ["a"] });
    session.access();
    session.access();
    const cart = session.getAttribute("cart") as string[];
    assert.equal(session.takeDelta(), undefined);
    session.endAccess();
    cart.push("b");
    assert.deepEqual(summary(taken(session)), { cart: ["a", "b"] });
  });

  it("reports what has come to hold something that cannot travel, and leaves the others what they have", () => {
    const session = announced({ cart: { items: [] as unknown[] } });
    (session.getAttribute("cart") as { items: unknown[] }).items.push(() => undefined);
    assert.equal(session.takeDelta(), undefined);
    assert.deepEqual(
      refused.map(({ attribute }) => attribute),
      ["cart"],
    );
    assert.match(refused[0]!.message, /items\[0\]/);
  });
});

describe("DeltaSession and types (rule 15)", () => {
  class Cart {}
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ["a function", () => undefined, /"cart".*function/],
    ["a symbol", Symbol("s"), /"cart".*symbol/],
    ["an instance of a class", new Cart(), /"cart".*instance of Cart/],
    ["a cycle", cycle, /"cart".*cycle/],
    ["undefined inside", { a: undefined }, /"cart".*undefined/],
  ];
  for (const [what, value, message] of bad) {
    it(`refuses ${what} at setAttribute, naming attribute and type`, () => {
      const session = announced({ cart: "before" });
      assert.throws(() => session.setAttribute("cart", value), { code: "UNREPLICABLE_ATTRIBUTE", message });
      assert.equal(session.getAttribute("cart"), "before");
      assert.equal(session.takeDelta(), undefined);
    });
  }

  it("keeps the Java type that an attribute arrived with when it is set again", () => {
    const session = announced();
    apply(session, { type: DELTA_TYPES.Attribute, remove: false, name: "n", value: javaLong(5) });
    session.setAttribute("n", (session.getAttribute("n") as number) + 1);
    assert.equal((taken(session).actions[0]!.value as JavaObject).className, "java.lang.Long");
  });

  it("passes objects of unknown classes on unchanged", () => {
    const session = announced();
    const principal = new ObjectInputStream(tribesVector("principal").bytes).readObject();
    apply(session, { type: DELTA_TYPES.Attribute, remove: false, name: "who", value: principal });
    assert.ok(session.getAttribute("who") instanceof JavaObject);
    assert.equal(session.takeDelta(), undefined);
    assert.deepEqual(session.exportState().attributes.find(([name]) => name === "who")?.[1], principal);
  });

  it("is not led astray by the names of Object.prototype", () => {
    const session = announced();
    for (const name of ["__proto__", "constructor", "toString"]) assert.equal(session.getAttribute(name), undefined);
    session.setAttribute("__proto__", "value");
    assert.equal(session.getAttribute("__proto__"), "value");
  });
});

describe("DeltaSession and changes of others (rule 13)", () => {
  it("takes them, but for attributes that were changed here since the last send", () => {
    const session = announced({ mine: 1, theirs: 1 });
    session.setAttribute("mine", 2);
    apply(
      session,
      { type: DELTA_TYPES.Attribute, remove: false, name: "mine", value: javaInteger(9) },
      { type: DELTA_TYPES.Attribute, remove: false, name: "theirs", value: javaInteger(9) },
      { type: DELTA_TYPES.Attribute, remove: true, name: "known", value: undefined },
    );
    assert.equal(session.getAttribute("mine"), 2);
    assert.equal(session.getAttribute("theirs"), 9);
    assert.equal(session.getAttribute("known"), undefined);
    assert.deepEqual(summary(taken(session)), { mine: 2 });
  });

  it("also counts a change in place as one made here", () => {
    const session = announced({ cart: ["a"] });
    (session.getAttribute("cart") as string[]).push("b");
    apply(session, { type: DELTA_TYPES.Attribute, remove: false, name: "cart", value: "theirs" });
    assert.deepEqual(session.getAttribute("cart"), ["a", "b"]);
    assert.deepEqual(summary(taken(session)), { cart: ["a", "b"] });
  });

  it("does not send on what it was sent", () => {
    const session = announced();
    apply(session, { type: DELTA_TYPES.Attribute, remove: false, name: "n", value: javaInteger(1) });
    apply(session, { type: DELTA_TYPES.MaxInterval, remove: false, name: MAX_INTERVAL_NAME, value: javaInteger(60) });
    assert.equal(session.maxInactiveInterval, 60);
    assert.equal(session.takeDelta(), undefined);
  });

  it("takes a value that is absent as a removal", () => {
    const session = announced({ n: 1 });
    apply(session, { type: DELTA_TYPES.Attribute, remove: false, name: "n", value: undefined });
    assert.equal(session.getAttribute("n"), undefined);
  });

  it("keeps principal, notes, authentication type and listeners as they came", () => {
    const session = announced();
    const principal = new ObjectInputStream(tribesVector("principal").bytes).readObject();
    const listener = new ObjectInputStream(tribesVector("sso-listener").bytes).readObject();
    const again = new ObjectInputStream(tribesVector("sso-listener").bytes).readObject();
    apply(
      session,
      { type: DELTA_TYPES.Principal, remove: false, name: "__SET__PRINCIPAL__", value: principal },
      { type: DELTA_TYPES.AuthType, remove: false, name: "__SET__AUTHTYPE__", value: "FORM" },
      { type: DELTA_TYPES.Note, remove: false, name: NOTE, value: ID },
      { type: DELTA_TYPES.Listener, remove: false, name: "__SET__LISTENER__", value: listener },
      { type: DELTA_TYPES.IsNew, remove: false, name: "__SET__ISNEW__", value: javaBoolean(true) },
      { type: 42, remove: false, name: "later", value: "ignored" },
    );
    const state = session.exportState();
    assert.equal(state.principal, principal);
    assert.equal(session.authType, "FORM");
    assert.equal(state.expectedSessionId, ID);
    assert.deepEqual(state.listeners, [listener]);
    assert.equal(state.isNew, true);
    apply(session, { type: DELTA_TYPES.Listener, remove: true, name: "__SET__LISTENER__", value: again });
    apply(session, { type: DELTA_TYPES.Principal, remove: true, name: "__SET__PRINCIPAL__", value: undefined });
    assert.deepEqual(session.exportState().listeners, []);
    assert.equal(session.principal, null);
  });

  it("moves Tomcat's note of the id along with the id, and tells", () => {
    const session = announced();
    apply(session, { type: DELTA_TYPES.Note, remove: false, name: NOTE, value: ID });
    session.setId("0123456789ABCDEF0123456789ABCDEF.b");
    assert.deepEqual(summary(taken(session)), { [NOTE]: "0123456789ABCDEF0123456789ABCDEF.b" });
  });
});

describe("DeltaSession that gives up changes which were not sent", () => {
  it("has what was there before: set, changed in place, removed, new", () => {
    const session = announced({ set: 1, list: ["a"], removed: "x" });
    session.setAttribute("set", 2);
    session.setAttribute("set", 3);
    (session.getAttribute("list") as string[]).push("b");
    session.removeAttribute("removed");
    session.setAttribute("new", true);
    session.maxInactiveInterval = 60;
    session.giveUpChanges();
    assert.deepEqual(
      session
        .getAttributeNames()
        .toSorted()
        .map((name) => [name, session.getAttribute(name)]),
      [
        ["known", true],
        ["list", ["a"]],
        ["removed", "x"],
        ["set", 1],
      ],
    );
    assert.equal(session.maxInactiveInterval, 1800);
    assert.equal(session.takeDelta(), undefined);
  });

  it("has what others made of the same attributes meanwhile, which it kept its own against (rule 13)", () => {
    const session = announced({ delta: 1, state: 1, gone: 1 });
    for (const name of ["delta", "state", "gone"]) session.setAttribute(name, 2);
    session.applyDelta([{ type: DELTA_TYPES.Attribute, remove: false, name: "delta", value: javaInteger(3) }]);
    assert.equal(session.getAttribute("delta"), 2);
    session.giveUpChanges();
    assert.equal(session.getAttribute("delta"), 3);

    for (const name of ["delta", "state", "gone"]) session.setAttribute(name, 4);
    const other = announced({ delta: 5, state: 5 });
    session.importState(other.exportState());
    session.giveUpChanges();
    assert.deepEqual([session.getAttribute("delta"), session.getAttribute("state"), session.getAttribute("gone")], [5, 5, undefined]);
  });

  it("keeps what was sent", () => {
    const session = announced({ n: 1 });
    session.setAttribute("n", 2);
    session.takeDelta();
    session.giveUpChanges();
    assert.equal(session.getAttribute("n"), 2);
  });
});

describe("DeltaSession as a whole", () => {
  it("arrives elsewhere as it was", () => {
    const session = announced({ n: 1, cart: [{ id: "x" }] });
    session.maxInactiveInterval = 90;
    const copy = newSession();
    copy.importState(session.exportState());
    assert.equal(copy.primary, false);
    assert.equal(copy.announced, true);
    assert.equal(copy.version, session.version);
    assert.equal(copy.maxInactiveInterval, 90);
    assert.deepEqual(copy.getAttribute("cart"), [{ id: "x" }]);
    assert.equal(copy.takeDelta(), undefined);
  });

  it("replaces a copy, but for what was changed here since the last send (rule 11)", () => {
    const session = announced({ n: 1, stale: 1 });
    session.setAttribute("mine", 1);
    const other = announced({ n: 2, mine: 9 });
    session.importState(other.exportState());
    assert.deepEqual(session.getAttributeNames().toSorted(), ["known", "mine", "n"]);
    assert.equal(session.getAttribute("n"), 2);
    assert.equal(session.getAttribute("mine"), 1);
    assert.deepEqual(summary(taken(session)), { mine: 1 });
  });

  it("does not expire at once because another clock is behind", () => {
    const session = announced();
    const copy = newSession();
    copy.importState({ ...session.exportState(), thisAccessedTime: clock.now() - 100_000_000 });
    assert.equal(copy.valid, true);
  });

  it("expires after its interval where it was used last, after twice that elsewhere", async () => {
    const primary = announced();
    const copy = newSession();
    copy.importState(primary.exportState());
    await clock.advance(1_799_999);
    assert.deepEqual([primary.valid, copy.valid], [true, true]);
    await clock.advance(1);
    assert.deepEqual([primary.valid, copy.valid], [false, true]);
    await clock.advance(1_799_999);
    assert.equal(copy.valid, true);
    await clock.advance(1);
    assert.equal(copy.valid, false);
    assert.equal(expired.length, 2);
  });

  it("never expires with an interval of 0, here or elsewhere", async () => {
    const session = announced();
    session.maxInactiveInterval = 0;
    const copy = newSession();
    copy.importState(session.exportState());
    await clock.advance(1_000_000_000);
    assert.deepEqual([session.valid, copy.valid], [true, true]);
  });
});
