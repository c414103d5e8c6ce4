// The bytes of an encrypted body: IV | ciphertext of [i64 time stamp][message], for GCM with its tag at the end (tribes.md 12.10).
import { type CipherGCMTypes, createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";

export const ENCRYPTION_ALGORITHMS = ["AES/GCM/NoPadding", "AES/CBC/PKCS5Padding"] as const;
export type EncryptionAlgorithm = (typeof ENCRYPTION_ALGORITHMS)[number];

export const TIMESTAMP_BYTES = 8;

const GCM_IV_BYTES = 12;
const GCM_TAG_BYTES = 16;
const GCM_OPTIONS = { authTagLength: GCM_TAG_BYTES };
const CBC_BLOCK_BYTES = 16;
const HIGH_WORD = 0x1_0000_0000;

export interface MessageCipher {
  readonly ivBytes: number;
  /** What is shorter was not made by this cipher. */
  readonly minBytes: number;
  /** Whether a body that opens is known to be as it was sealed. CBC does not notice every change, nor every wrong key. */
  readonly authenticates: boolean;
  /** `iv`: `ivBytes` that this key has never been used with, unpredictable. The result is a buffer of its own. */
  seal(key: KeyObject, iv: Buffer, timestamp: number, message: Buffer): Buffer;
  /** What was sealed, time stamp first, in memory of its own; undefined when the key is another one or the bytes were changed. */
  open(key: KeyObject, body: Buffer): Buffer | undefined;
}

export function messageCipher(algorithm: EncryptionAlgorithm): MessageCipher {
  return algorithm === "AES/GCM/NoPadding" ? GCM : CBC;
}

/** Time stamp of what `open` returned. */
export function timestampOf(opened: Buffer): number {
  return opened.readInt32BE(0) * HIGH_WORD + opened.readUInt32BE(4);
}

const GCM: MessageCipher = {
  ivBytes: GCM_IV_BYTES,
  minBytes: GCM_IV_BYTES + GCM_TAG_BYTES,
  authenticates: true,
  seal(key, iv, timestamp, message) {
    const cipher = createCipheriv(`aes-${bits(key)}-gcm` as CipherGCMTypes, key, iv);
    const ciphertext = cipher.update(stamped(timestamp, message));
    cipher.final();
    const body = Buffer.allocUnsafe(GCM_IV_BYTES + ciphertext.length + GCM_TAG_BYTES);
    body.set(iv, 0);
    body.set(ciphertext, GCM_IV_BYTES);
    body.set(cipher.getAuthTag(), GCM_IV_BYTES + ciphertext.length);
    return body;
  },
  open(key, body) {
    const tagOffset = body.length - GCM_TAG_BYTES;
    const decipher = createDecipheriv(`aes-${bits(key)}-gcm` as CipherGCMTypes, key, body.subarray(0, GCM_IV_BYTES), GCM_OPTIONS);
    decipher.setAuthTag(body.subarray(tagOffset));
    const opened = decipher.update(body.subarray(GCM_IV_BYTES, tagOffset));
    return ended(decipher) === undefined ? undefined : opened;
  },
};

const CBC: MessageCipher = {
  ivBytes: CBC_BLOCK_BYTES,
  minBytes: 2 * CBC_BLOCK_BYTES,
  authenticates: false,
  seal(key, iv, timestamp, message) {
    const cipher = createCipheriv(`aes-${bits(key)}-cbc`, key, iv);
    return Buffer.concat([iv, cipher.update(stamped(timestamp, message)), cipher.final()]);
  },
  open(key, body) {
    const decipher = createDecipheriv(`aes-${bits(key)}-cbc`, key, body.subarray(0, CBC_BLOCK_BYTES));
    const opened = decipher.update(body.subarray(CBC_BLOCK_BYTES));
    const rest = ended(decipher);
    return rest === undefined ? undefined : Buffer.concat([opened, rest]);
  },
};

/** `final` throws for one reason: tag, padding or length do not fit. */
function ended(decipher: { final(): Buffer }): Buffer | undefined {
  try {
    return decipher.final();
  } catch {
    return undefined;
  }
}

/** One piece, since each call of a cipher costs as much as a kilobyte. */
function stamped(timestamp: number, message: Buffer): Buffer {
  const plaintext = Buffer.allocUnsafe(TIMESTAMP_BYTES + message.length);
  plaintext.writeInt32BE(Math.floor(timestamp / HIGH_WORD), 0);
  plaintext.writeUInt32BE(timestamp >>> 0, 4);
  plaintext.set(message, TIMESTAMP_BYTES);
  return plaintext;
}

function bits(key: KeyObject): number {
  return key.symmetricKeySize! * 8;
}
