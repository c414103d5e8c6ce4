import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import {
  type EncryptionAlgorithm,
  messageCipher,
  TIMESTAMP_BYTES,
  timestampOf,
} from "../../../../../src/channel/interceptors/encryption/message-cipher.ts";
import { tribesVector, tribesVectors } from "../../../../support/tribes-vectors.ts";

interface EncryptionVector {
  readonly name: string;
  readonly inputs: { readonly algorithm: EncryptionAlgorithm; readonly key: string; readonly message: string; readonly timestamp: number };
  readonly expected: { readonly ivLength: number; readonly plaintext: string };
}

const VECTORS = tribesVectors.filter(({ name }) => /^encrypt-(gcm|cbc)/.test(name)) as unknown as readonly EncryptionVector[];
const KEYS = ["16", "24", "32"].map((bytes) => createSecretKey(Buffer.alloc(Number(bytes), 0x5a)));
const ALGORITHMS: readonly EncryptionAlgorithm[] = ["AES/GCM/NoPadding", "AES/CBC/PKCS5Padding"];

describe("the cipher of EncryptInterceptor", () => {
  it("is held to every recorded body of a Tomcat 10.1.60", () => {
    assert.deepEqual(VECTORS.map(({ name }) => name).toSorted(), ["encrypt-cbc", "encrypt-gcm", "encrypt-gcm-256"]);
  });

  for (const { name, inputs, expected } of VECTORS) {
    const cipher = messageCipher(inputs.algorithm);
    const key = createSecretKey(inputs.key, "hex");
    const { bytes } = tribesVector(name);

    it(`opens ${name}`, () => {
      const opened = cipher.open(key, bytes)!;
      assert.equal(opened.toString("hex"), expected.plaintext);
      assert.equal(timestampOf(opened), inputs.timestamp);
      assert.equal(opened.toString("latin1", TIMESTAMP_BYTES), inputs.message);
    });

    it(`makes the bytes of ${name}`, () => {
      assert.equal(cipher.ivBytes, expected.ivLength);
      const sealed = cipher.seal(key, bytes.subarray(0, cipher.ivBytes), inputs.timestamp, Buffer.from(inputs.message));
      assert.equal(sealed.toString("hex"), bytes.toString("hex"));
    });
  }

  for (const algorithm of ALGORITHMS) {
    const cipher = messageCipher(algorithm);
    const iv = Buffer.alloc(cipher.ivBytes, 3);

    it(`opens what it sealed, with every size of key and message: ${algorithm}`, () => {
      for (const key of KEYS) {
        for (const length of [0, 1, 7, 8, 15, 16, 17, 600, 70_000]) {
          const sealed = cipher.seal(key, iv, 1_700_000_000_123, Buffer.alloc(length, "m"));
          assert.ok(sealed.length >= cipher.minBytes);
          const opened = cipher.open(key, sealed)!;
          assert.equal(timestampOf(opened), 1_700_000_000_123);
          assert.deepEqual(opened.subarray(TIMESTAMP_BYTES), Buffer.alloc(length, "m"));
        }
      }
    });

    it(`does not open with a key of another size: ${algorithm}`, () => {
      const sealed = cipher.seal(KEYS[0]!, iv, 1_700_000_000_000, Buffer.alloc(100));
      assert.equal(cipher.open(KEYS[2]!, sealed), undefined);
    });

    it(`does not open what was cut: ${algorithm}`, () => {
      const sealed = cipher.seal(KEYS[0]!, iv, 1_700_000_000_000, Buffer.alloc(20));
      for (let length = cipher.minBytes; length < sealed.length; length++) {
        if (algorithm === "AES/CBC/PKCS5Padding" && length % 16 === 0) continue; // May end in what looks like padding.
        assert.equal(cipher.open(KEYS[0]!, sealed.subarray(0, length)), undefined, `${length} bytes`);
      }
    });
  }

  it("does not open what was changed in any byte, with GCM", () => {
    const cipher = messageCipher("AES/GCM/NoPadding");
    const sealed = cipher.seal(KEYS[1]!, Buffer.alloc(12, 9), 1_700_000_000_000, Buffer.from("session"));
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 0x10;
      assert.equal(cipher.open(KEYS[1]!, changed), undefined, `byte ${index}`);
    }
    assert.ok(cipher.open(KEYS[1]!, sealed));
  });

  it("carries time stamps before 1970 and beyond 32 bits", () => {
    const cipher = messageCipher("AES/GCM/NoPadding");
    for (const timestamp of [-1, -5_000_000_000, 0, 2 ** 32 - 1, 2 ** 32, 2 ** 52]) {
      assert.equal(timestampOf(cipher.open(KEYS[0]!, cipher.seal(KEYS[0]!, Buffer.alloc(12), timestamp, Buffer.alloc(0)))!), timestamp);
    }
  });
});
