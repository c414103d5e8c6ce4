// The keys of a channel: one to send with, any number to accept (rule 21).
import { createSecretKey, hash, type KeyObject } from "node:crypto";
import { EncryptionKeyError } from "../../stack-errors.ts";

export interface EncryptionKey {
  /** Name of its file, or of its attribute. */
  readonly name: string;
  /**
   * 8 hexadecimal digits that are the same wherever the key is, whatever its file is called: for logs and pages, where the key must
   * never get. They tell nobody more about a key than a message that was sealed with it.
   */
  readonly id: string;
  readonly key: KeyObject;
}

export type KeyDescription = Pick<EncryptionKey, "name" | "id">;

/** A ring as logs and pages show it. */
export interface KeyRingDescription {
  readonly sending: KeyDescription;
  readonly accepted: readonly KeyDescription[];
}

export interface KeyRing {
  readonly sending: EncryptionKey;
  /** `sending` first. */
  readonly accepted: readonly EncryptionKey[];
}

/** Where keys come from. */
export interface KeySource {
  /** When the channel is made. Throws EncryptionKeyError. */
  load(): KeyRing;
  /** The keys as they are now. Rejects with EncryptionKeyError, then those that are in use stay. */
  reload(): Promise<KeyRing>;
}

/** File in a key folder that holds the name of the key file to send with. */
export const SENDING_FILE = "sending";
export const KEY_FILE_ENDING = ".key";

const ID_PREFIX = "tomcat-cluster key id:";
const ID_DIGITS = 8;
const KEY_TEXT = /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{48}|[0-9a-fA-F]{64})$/;

/** One key that never changes. `name` is what errors call it. */
export function fixedKey(name: string, text: string): KeySource {
  const ring = ringOf(parseKey(name, text), []);
  return { load: () => ring, reload: async () => ring };
}

/** The files of a key folder by their names; `folder` is its path, for errors. Throws EncryptionKeyError. */
export function keyRingOf(folder: string, files: ReadonlyMap<string, string>): KeyRing {
  const keys = [...files].filter(([name]) => name.endsWith(KEY_FILE_ENDING)).map(([name, text]) => parseKey(name, text, folder));
  if (keys.length === 0) throw new EncryptionKeyError(`The folder "${folder}" holds no key: put a file "*${KEY_FILE_ENDING}" there`);
  const wanted = files.get(SENDING_FILE)?.trim();
  if (wanted === undefined && keys.length > 1) {
    throw new EncryptionKeyError(
      `The folder "${folder}" holds ${keys.length} keys: name the file of the one to send with in a file "${SENDING_FILE}"`,
    );
  }
  const sending = wanted === undefined ? keys[0] : keys.find(({ name }) => name === wanted);
  if (sending === undefined) {
    const known = keys.map(({ name }) => `"${name}"`).join(", ");
    throw new EncryptionKeyError(`The file "${SENDING_FILE}" in "${folder}" names no key file that is there. There are: ${known}`);
  }
  return ringOf(sending, keys);
}

export function describeRing({ sending, accepted }: KeyRing): KeyRingDescription {
  const describe = ({ name, id }: EncryptionKey): KeyDescription => ({ name, id });
  return { sending: describe(sending), accepted: accepted.map(describe) };
}

export function sameKeys(left: KeyRing, right: KeyRing): boolean {
  return (
    left.accepted.length === right.accepted.length &&
    left.accepted.every(({ name, key }, index) => name === right.accepted[index]!.name && key.equals(right.accepted[index]!.key))
  );
}

function ringOf(sending: EncryptionKey, keys: readonly EncryptionKey[]): KeyRing {
  return { sending, accepted: [sending, ...keys.filter((key) => key !== sending)] };
}

function parseKey(name: string, text: string, folder?: string): EncryptionKey {
  const digits = text.trim();
  if (KEY_TEXT.test(digits)) return { name, id: idOf(digits), key: createSecretKey(digits, "hex") };
  const place = folder === undefined ? "" : ` in "${folder}"`;
  throw new EncryptionKeyError(
    `The key "${name}"${place} has ${digits.length} characters: it must be 32, 48 or 64 hexadecimal digits (16, 24 or 32 bytes)`,
  );
}

function idOf(digits: string): string {
  return hash("sha256", ID_PREFIX + digits.toLowerCase(), "hex").slice(0, ID_DIGITS);
}
