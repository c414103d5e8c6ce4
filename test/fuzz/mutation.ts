// Inputs made from recorded ones: which bytes change, and how, follows from a seed and a number.

/** A whole number of at least 0 and below its argument. */
export type Draw = (below: number) => number;

/** mulberry32: small, seeded, good enough to choose bytes. Each number of a seed has a sequence of its own. */
export function drawFor(seed: number, number: number): Draw {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Tags of object streams, and the ends of ranges. */
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, ...Array.from({ length: 15 }, (_, index) => 0x70 + index)];
const NUMBERS = [0, 1, -1, 0x7f, 0xff, 0x7fff, 0xffff, 0x10000, 0xffffff, 0x7fffffff, -0x80000000, 0x07ffffff];
const MAX_CHANGES = 4;
const MAX_BYTES = 64 * 1024;

/** At most 64 KiB. `others` lends its pieces. */
export function mutate(original: Buffer, others: readonly Buffer[], draw: Draw): Buffer {
  let bytes = Buffer.from(original);
  for (let change = draw(MAX_CHANGES); change >= 0; change--) bytes = changed(bytes, others, draw);
  return bytes.subarray(0, MAX_BYTES);
}

function changed(bytes: Buffer, others: readonly Buffer[], draw: Draw): Buffer<ArrayBuffer> {
  const at = draw(bytes.length + 1);
  const head = bytes.subarray(0, at);
  switch (draw(9)) {
    case 0:
      return overwritten(bytes, at, Buffer.of(draw(256)));
    case 1:
      return overwritten(bytes, at, Buffer.of(BYTES[draw(BYTES.length)]!));
    case 2:
      return overwritten(bytes, at, int(NUMBERS[draw(NUMBERS.length)]!));
    case 3:
      return overwritten(bytes, at, int((bytes.length > at + 4 ? bytes.readInt32BE(at) : 0) + draw(9) - 4));
    case 4:
      return Buffer.concat([head, bytes.subarray(at + 1 + draw(20))]);
    case 5:
      return Buffer.concat([head, bytes.subarray(draw(at + 1), at), bytes.subarray(at)]);
    case 6:
      return Buffer.from(head);
    case 7: {
      const other = others[draw(others.length)]!;
      const from = draw(other.length + 1);
      return Buffer.concat([head, other.subarray(from, from + draw(200)), bytes.subarray(at)]);
    }
    default:
      return Buffer.concat([bytes, bytes.subarray(at)]);
  }
}

function overwritten(bytes: Buffer, at: number, by: Buffer): Buffer<ArrayBuffer> {
  const result = Buffer.from(bytes);
  by.copy(result, Math.min(at, Math.max(0, bytes.length - by.length)));
  return result;
}

function int(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}
