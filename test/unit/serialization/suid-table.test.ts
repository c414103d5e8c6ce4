import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type JavaObject, ObjectInputStream, SuidTable } from "../../../src/serialization/index.ts";
import { tribesVector } from "../../support/tribes-vectors.ts";

const MEMBER = "org.apache.catalina.tribes.membership.MemberImpl";

function memberOf(release: "" | "-90"): JavaObject {
  return new ObjectInputStream(tribesVector(`member-java-object${release}`).bytes).readObject() as JavaObject;
}

describe("SuidTable", () => {
  it("keeps the first SUID that it learns of a class", () => {
    const table = new SuidTable();
    table.learn(memberOf("-90").descriptor);
    table.learn(memberOf("").descriptor);
    assert.equal(table.get(MEMBER), 3323947316117794076n);
  });

  it("keeps a configured SUID, as signed 64 bits", () => {
    const table = new SuidTable({ [MEMBER]: 0x8476f37b32953667n });
    table.learn(memberOf("-90").descriptor);
    assert.equal(table.get(MEMBER), -8901659902996040089n);
  });

  it("learns nothing of classes that are not in its list", () => {
    const table = new SuidTable({}, []);
    table.learn(memberOf("").descriptor);
    assert.equal(table.get(MEMBER), undefined);
  });
});
