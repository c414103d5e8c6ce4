import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMember, type Member } from "../../../../src/channel/index.ts";
import { apartFirst } from "../../../../src/replication/session/backup-choice.ts";

function member(name: number, payload: string): Member {
  return createMember({ address: `10.0.0.${name}`, port: 4000, payload: Buffer.from(payload) });
}

describe("The backup of a session", () => {
  const local = member(1, "zone=a;node=m1");
  const sameNode = member(2, "zone=a;node=m1");
  const silent = member(3, "");
  const otherNode = member(4, "zone=a; node=m2");
  const otherZone = member(5, "node=m3;zone=b");
  const otherZoneToo = member(6, "zone=b");

  for (const [what, candidates, expected] of [
    ["in another zone before one on another node", [sameNode, silent, otherNode, otherZone], otherZone],
    ["on another node before one of which nothing is known", [sameNode, silent, otherNode], otherNode],
    ["of which nothing is known before one on the same node", [sameNode, silent], silent],
    ["on the same node when there is no other", [sameNode], sameNode],
  ] as const) {
    it(`is a member ${what}`, () => {
      assert.equal(apartFirst(() => local)("key", candidates, []), expected);
    });
  }

  it("is the one that it was, unless another is farther away, and changes from session to session among equals", () => {
    const choose = apartFirst(() => local);
    const all = [sameNode, silent, otherNode, otherZone, otherZoneToo];
    assert.deepEqual([choose("a", all, []), choose("b", all, []), choose("c", all, [])], [otherZone, otherZoneToo, otherZone]);
    assert.equal(choose("d", all, [otherZoneToo]), otherZoneToo);
    assert.equal(choose("d", all, [otherZoneToo]), otherZoneToo);
    assert.notEqual(choose("e", all, [otherNode]), otherNode);
  });

  it("is any member when this one does not say where it runs", () => {
    const choose = apartFirst(() => member(1, "hello"));
    assert.deepEqual([choose("a", [otherNode, otherZone], []), choose("b", [otherNode, otherZone], [])], [otherNode, otherZone]);
  });
});
