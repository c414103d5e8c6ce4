import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InvalidMemberError, MalformedMessageError } from "../../../../src/channel/errors.ts";
import {
  compareAbsoluteOrder,
  createMember,
  decodeMember,
  encodeMember,
  isShutdown,
  type MemberFields,
  SHUTDOWN_COMMAND,
  uniqueIdOf,
} from "../../../../src/channel/wire/member-block.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

const ID = Buffer.from("000102030405460788090a0b0c0d0e0f", "hex");

const MEMBERS: Readonly<Record<string, MemberFields>> = {
  "member-plain": { address: "10.1.2.3", port: 4000, uniqueId: ID, aliveTimeMs: 123_456 },
  "member-full": {
    address: "192.168.7.9",
    port: 4001,
    securePort: 4443,
    udpPort: 5000,
    uniqueId: ID,
    aliveTimeMs: 1,
    domain: Buffer.from("domain-a"),
    payload: Buffer.of(1, 2, 3),
  },
  "member-ipv6": { address: "2001:db8::5", port: 4000, uniqueId: ID, aliveTimeMs: 7 },
  "member-shutdown": { address: "10.1.2.3", port: 4000, uniqueId: ID, aliveTimeMs: 99, command: SHUTDOWN_COMMAND },
};

describe("member block", () => {
  for (const [name, fields] of Object.entries(MEMBERS)) {
    const { bytes } = tribesVector(name);

    it(`${name}: a Tomcat's bytes decode to the member and the member encodes to the same bytes`, () => {
      assert.deepEqual(decodeMember(bytes), createMember(fields));
      assert.deepEqual(encodeMember(createMember(fields)), bytes);
      assert.deepEqual(encodeMember(decodeMember(bytes)), bytes);
    });

    it(`${name}: a block that is cut anywhere, or has a byte too many, is refused`, () => {
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => decodeMember(bytes.subarray(0, length)), MalformedMessageError, `${length} bytes`);
      }
      assert.throws(() => decodeMember(Buffer.concat([bytes, Buffer.of(0)])), MalformedMessageError);
    });

    it(`${name}: no change of a single byte makes the decoder fail in any other way`, () => {
      for (let index = 0; index < bytes.length; index++) {
        const damaged = Buffer.from(bytes);
        damaged[index] = damaged[index]! ^ 0xff;
        try {
          decodeMember(damaged);
        } catch (error) {
          assert.ok(error instanceof MalformedMessageError, `byte ${index}: ${error}`);
        }
      }
    });
  }

  it("keeps a copy: the socket buffer may be reused", () => {
    const bytes = Buffer.from(tribesVector("member-full").bytes);
    const member = decodeMember(bytes);
    bytes.fill(0);
    assert.equal(member.domain.toString(), "domain-a");
    assert.deepEqual(member.uniqueId, ID);
  });

  it("encodes a member once", () => {
    const member = createMember({ address: "10.0.0.1", port: 1 });
    assert.equal(encodeMember(member), encodeMember(member));
  });

  const addressLengthOffset = 34;
  const refused: [string, number, number][] = [
    ["an address of 5 bytes", addressLengthOffset, 5],
    ["an address of 128 bytes", addressLengthOffset, 128],
    ["a wrong start mark", 0, 0],
    ["a wrong end mark", 70, 0],
    ["a negative command length", 39, 0xff],
    ["a port beyond 65535", 22, 1],
  ];
  for (const [what, offset, value] of refused) {
    it(`refuses ${what}`, () => {
      const bytes = Buffer.from(tribesVector("member-plain").bytes);
      bytes[offset] = value;
      assert.throws(() => decodeMember(bytes), MalformedMessageError);
    });
  }
});

describe("createMember", () => {
  it("names a member and tells members apart by address, port and unique id only", () => {
    const member = createMember({ address: "10.1.2.3", port: 4000, uniqueId: ID });
    assert.equal(member.name, "tcp://10.1.2.3:4000");
    assert.equal(createMember({ address: "fe80:0::1", port: 1 }).name, "tcp://[fe80::1]:1");
    assert.equal(createMember({ ...member, aliveTimeMs: 5, domain: Buffer.from("d"), securePort: 1 }).key, member.key);
    assert.notEqual(createMember({ ...member, port: 4001 }).key, member.key);
    assert.notEqual(createMember({ ...member, uniqueId: uniqueIdOf("x") }).key, member.key);
    assert.notEqual(createMember({ ...member, address: "10.1.2.4" }).key, member.key);
  });

  it("gives a member without an id the one that DNS membership derives from its address", () => {
    assert.equal(createMember({ address: "10.1.2.3", port: 4000 }).uniqueId.toString("hex"), "447d3c6954efb460e6f47e331615176f");
    assert.equal(uniqueIdOf("").toString("hex"), "d41d8cd98f00b204e9800998ecf8427e");
  });

  it("says what is wrong with an address, a port, an id or too large a payload", () => {
    assert.throws(() => createMember({ address: "shop-0", port: 1 }), {
      code: "INVALID_MEMBER",
      message: /"shop-0": resolve the name first/,
    });
    assert.throws(() => createMember({ address: "10.0.0.1", port: 65_536 }), { code: "INVALID_MEMBER", message: /"65536"/ });
    assert.throws(() => createMember({ address: "10.0.0.1", port: 1, uniqueId: Buffer.alloc(3) }), InvalidMemberError);
    const room = 65_535 - 77;
    assert.equal(encodeMember(createMember({ address: "10.0.0.1", port: 1, payload: Buffer.alloc(room) })).length, 65_535);
    assert.throws(() => createMember({ address: "10.0.0.1", port: 1, payload: Buffer.alloc(room + 1) }), InvalidMemberError);
  });

  it("knows a member that says good-bye", () => {
    const member = createMember({ address: "10.1.2.3", port: 4000 });
    assert.equal(isShutdown(member), false);
    assert.equal(isShutdown(createMember({ ...member, command: SHUTDOWN_COMMAND })), true);
    assert.equal(isShutdown(createMember({ ...member, command: Buffer.from("BABY-ALEX2") })), false);
  });
});

describe("absolute order", () => {
  it("is shorter address, then address, then port, then id, all unsigned", () => {
    const id = (last: number) => Buffer.concat([Buffer.alloc(15), Buffer.of(last)]);
    const inOrder = [
      createMember({ address: "9.0.0.1", port: 5000, uniqueId: id(1) }),
      createMember({ address: "10.0.0.1", port: 4000, uniqueId: id(1) }),
      createMember({ address: "10.0.0.1", port: 4000, uniqueId: id(200) }),
      createMember({ address: "10.0.0.1", port: 4001, uniqueId: id(0) }),
      createMember({ address: "200.0.0.1", port: 1, uniqueId: id(0) }),
      createMember({ address: "::1", port: 1, uniqueId: id(0) }),
    ];
    assert.deepEqual([...inOrder].reverse().sort(compareAbsoluteOrder), inOrder);
    assert.equal(compareAbsoluteOrder(inOrder[0]!, createMember({ ...inOrder[0]!, aliveTimeMs: 77 })), 0);
  });
});
