// A growing set of IVs: 96 bits each in one typed array, without an object or a string per message.
const WORDS = 3;
const INITIAL_SLOTS = 64;

/** IVs are told apart by their first 12 bytes, which for random ones is as good as by all 16. */
export class IvTable {
  #words = new Uint32Array(INITIAL_SLOTS * WORDS);
  #slots = INITIAL_SLOTS;
  #size = 0;
  /** An empty slot is all zeros: the IV of that value is kept apart. */
  #hasZero = false;

  get size(): number {
    return this.#size;
  }

  has(iv: Buffer): boolean {
    const a = iv.readUInt32LE(0);
    const b = iv.readUInt32LE(4);
    const c = iv.readUInt32LE(8);
    return (a | b | c) === 0 ? this.#hasZero : this.#taken(this.#slotOf(a, b, c));
  }

  /** False when it was there already. */
  add(iv: Buffer): boolean {
    const a = iv.readUInt32LE(0);
    const b = iv.readUInt32LE(4);
    const c = iv.readUInt32LE(8);
    if ((a | b | c) === 0) {
      if (this.#hasZero) return false;
      this.#hasZero = true;
    } else {
      const slot = this.#slotOf(a, b, c);
      if (this.#taken(slot)) return false;
      this.#set(slot, a, b, c);
    }
    this.#size++;
    if (this.#size * 2 > this.#slots) this.#grow();
    return true;
  }

  #taken(slot: number): boolean {
    return (this.#words[slot]! | this.#words[slot + 1]! | this.#words[slot + 2]!) !== 0;
  }

  #set(slot: number, a: number, b: number, c: number): void {
    this.#words[slot] = a;
    this.#words[slot + 1] = b;
    this.#words[slot + 2] = c;
  }

  /** Offset of the slot that holds it, or of the empty one where it belongs. */
  #slotOf(a: number, b: number, c: number): number {
    const words = this.#words;
    const mask = this.#slots - 1;
    for (let index = Math.imul(a ^ b ^ c, 0x9e3779b1) >>> 7; ; index++) {
      const slot = (index & mask) * WORDS;
      const x = words[slot]!;
      const y = words[slot + 1]!;
      const z = words[slot + 2]!;
      if ((x === a && y === b && z === c) || (x | y | z) === 0) return slot;
    }
  }

  #grow(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let slot = 0; slot < old.length; slot += WORDS) {
      const a = old[slot]!;
      const b = old[slot + 1]!;
      const c = old[slot + 2]!;
      if ((a | b | c) !== 0) this.#set(this.#slotOf(a, b, c), a, b, c);
    }
  }
}
