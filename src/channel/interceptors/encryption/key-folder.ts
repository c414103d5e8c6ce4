// A folder of key files, such as a mounted Secret.
import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { asError } from "../../../base/index.ts";
import { EncryptionKeyError } from "../../stack-errors.ts";
import { KEY_FILE_ENDING, type KeyRing, type KeySource, keyRingOf, SENDING_FILE } from "./key-ring.ts";

/** More is no key ring but a mistake. */
const MAX_KEY_FILES = 64;

/**
 * Every file `*.key` is an accepted key, in hexadecimal digits. The file `sending` holds the name of the one to send with; where there
 * is only one key, it may be missing. Other files, and what begins with a dot, mean nothing.
 *
 * To rotate: add the new key's file everywhere; write its name into `sending`; remove the old key's file. Between two steps wait until
 * every member has read the files again: a heartbeat of its channel after they have reached it.
 */
export class KeyFolder implements KeySource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  load(): KeyRing {
    try {
      const names = this.#chosen(readdirSync(this.#path));
      return this.#ring(
        names,
        names.map((name) => readFileSync(join(this.#path, name), "utf8")),
      );
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  /** A folder that is changed while it is read may look wrong once: reading it again helps. */
  async reload(): Promise<KeyRing> {
    try {
      const names = this.#chosen(await readdir(this.#path));
      return this.#ring(names, await Promise.all(names.map((name) => readFile(join(this.#path, name), "utf8"))));
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  #chosen(names: readonly string[]): readonly string[] {
    const chosen = names.filter((name) => name === SENDING_FILE || (name.endsWith(KEY_FILE_ENDING) && !name.startsWith("."))).toSorted();
    if (chosen.length <= MAX_KEY_FILES) return chosen;
    throw new EncryptionKeyError(`The folder "${this.#path}" holds more than ${MAX_KEY_FILES} key files: remove those that nobody uses`);
  }

  #ring(names: readonly string[], texts: readonly string[]): KeyRing {
    return keyRingOf(this.#path, new Map(names.map((name, index) => [name, texts[index]!])));
  }

  #unreadable(error: unknown): Error {
    if (error instanceof EncryptionKeyError) return error;
    return new EncryptionKeyError(`The key folder "${this.#path}" cannot be read: ${asError(error).message}`, { cause: error });
  }
}
