// Copies that stand alone: no part of a socket buffer, nor of Node's shared pool, stays in memory with what is kept.

export function copyBytes(source: Buffer, offset: number, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  source.copy(copy, 0, offset, offset + length);
  return copy;
}
