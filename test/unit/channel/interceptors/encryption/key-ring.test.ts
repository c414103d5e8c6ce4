import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { KeyFolder } from "../../../../../src/channel/interceptors/encryption/key-folder.ts";
import { fixedKey, type KeyRing, keyRingOf, sameKeys } from "../../../../../src/channel/interceptors/encryption/key-ring.ts";

const ONE = "00112233445566778899aabbccddeeff";
const TWO = "ffeeddccbbaa99887766554433221100".repeat(2);

function ring(files: Record<string, string>): KeyRing {
  return keyRingOf("/keys", new Map(Object.entries(files)));
}

function namesOf({ sending, accepted }: KeyRing): unknown {
  return [sending.name, accepted.map(({ name }) => name)];
}

describe("the keys of a channel", () => {
  it("are one that never changes, or the files of a folder, the one to send with first", async () => {
    const source = fixedKey("encryptionKey", ` ${ONE}\n`);
    assert.deepEqual(namesOf(source.load()), ["encryptionKey", ["encryptionKey"]]);
    assert.equal(source.load().sending.key.export().toString("hex"), ONE);
    assert.equal(await source.reload(), source.load());
    assert.deepEqual(namesOf(ring({ "1.key": ONE, "other.txt": "?" })), ["1.key", ["1.key"]]);
    assert.deepEqual(namesOf(ring({ "1.key": ONE, "2.key": TWO, sending: "2.key\n" })), ["2.key", ["2.key", "1.key"]]);
  });

  it("are the same when names, bytes and the one to send with are", () => {
    const both = ring({ "1.key": ONE, "2.key": TWO, sending: "2.key" });
    assert.equal(sameKeys(both, ring({ "1.key": ONE, "2.key": TWO.toUpperCase(), sending: "2.key\n" })), true);
    assert.equal(sameKeys(both, ring({ "1.key": ONE, "2.key": TWO, sending: "1.key" })), false);
    assert.equal(sameKeys(both, ring({ "2.key": TWO })), false);
    assert.equal(sameKeys(ring({ "1.key": ONE }), ring({ "1.key": TWO })), false);
  });

  for (const [files, message] of [
    [{}, 'The folder "/keys" holds no key: put a file "*.key" there'],
    [{ "1.key": ONE, "2.key": TWO }, 'The folder "/keys" holds 2 keys: name the file of the one to send with in a file "sending"'],
    [
      { "1.key": ONE, "2.key": TWO, sending: TWO },
      'The file "sending" in "/keys" names no key file that is there. There are: "1.key", "2.key"',
    ],
    [
      { "1.key": `${ONE}0` },
      'The key "1.key" in "/keys" has 33 characters: it must be 32, 48 or 64 hexadecimal digits (16, 24 or 32 bytes)',
    ],
    [
      { "1.key": "secretsecretsecretsecretsecretse" },
      'The key "1.key" in "/keys" has 32 characters: it must be 32, 48 or 64 hexadecimal digits (16, 24 or 32 bytes)',
    ],
  ] as const) {
    it(`are refused without a word of what is in them: ${JSON.stringify(Object.keys(files))}`, () => {
      assert.throws(() => ring(files), { code: "ENCRYPTION_KEY", message });
    });
  }
});

describe("a folder of keys", () => {
  const path = mkdtempSync(join(tmpdir(), "tomcat-cluster-keys-"));
  after(() => rmSync(path, { recursive: true, force: true }));
  const folder = new KeyFolder(path);
  const write = (name: string, text: string) => writeFileSync(join(path, name), text);

  it("is read again as it is then, through the links of a mounted Secret too", async () => {
    write("..data", ONE);
    symlinkSync("..data", join(path, "1.key"));
    write(".hidden.key", "nothing");
    assert.deepEqual(namesOf(folder.load()), ["1.key", ["1.key"]]);
    write("2.key", `${TWO}\n`);
    write("sending", "1.key\n");
    assert.deepEqual(namesOf(await folder.reload()), ["1.key", ["1.key", "2.key"]]);
    write("sending", "2.key\n");
    unlinkSync(join(path, "1.key"));
    assert.deepEqual(namesOf(await folder.reload()), ["2.key", ["2.key"]]);
  });

  it("says what cannot be read", async () => {
    const missing = new KeyFolder(join(path, "nowhere"));
    const error = { code: "ENCRYPTION_KEY", message: /^The key folder ".*nowhere" cannot be read: ENOENT/ };
    assert.throws(() => missing.load(), error);
    await assert.rejects(missing.reload(), error);
  });

  it("holds no more than 64 key files", async () => {
    for (let n = 0; n < 65; n++) write(`many-${n}.key`, ONE);
    await assert.rejects(folder.reload(), { code: "ENCRYPTION_KEY", message: /more than 64 key files/ });
  });
});
