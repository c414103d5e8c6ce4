// Ids of messages and calls: 16 random bytes in the form of a UUID, version 4 (tribes.md 0).
import type { Random } from "../base/index.ts";

export function randomUuid(random: Random): Buffer {
  const id = random.bytes(16);
  id[6] = (id[6]! & 0x0f) | 0x40;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id;
}
