// Chance comes in from outside, so that a test or a simulation can replay a run.
import { randomBytes } from "node:crypto";

export interface Random {
  /** `length` fresh bytes; cryptographically strong in production. */
  bytes(length: number): Buffer;
}

const POOL_BYTES = 4096;

/** The system's strong random numbers, drawn in blocks of 4 KiB: a system call per id would cost more than the id. */
class PooledSystemRandom implements Random {
  #pool = Buffer.alloc(0);

  bytes(length: number): Buffer {
    if (length > POOL_BYTES) return randomBytes(length);
    if (this.#pool.length < length) this.#pool = randomBytes(POOL_BYTES);
    const taken = Buffer.from(this.#pool.subarray(0, length));
    this.#pool = this.#pool.subarray(length);
    return taken;
  }
}

export const systemRandom: Random = new PooledSystemRandom();
