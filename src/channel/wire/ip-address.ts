// IP addresses: text <-> the 4 or 16 bytes of a member block. Text is canonical (RFC 5952), so equal addresses are equal strings.

const MAPPED_PREFIX = Buffer.from("00000000000000000000ffff", "hex");

/** 4 or 16 bytes; undefined when the text is no IP address. An IPv4 address in IPv6 form ("::ffff:10.1.2.3") becomes 4 bytes. */
export function addressBytes(text: string): Buffer | undefined {
  const zone = text.indexOf("%");
  const address = zone === -1 ? text : text.slice(0, zone);
  if (!address.includes(":")) return zone === -1 ? ipv4Bytes(address) : undefined;
  const bytes = ipv6Bytes(address);
  return bytes?.subarray(0, 12).equals(MAPPED_PREFIX) ? bytes.subarray(12) : bytes;
}

/** The canonical text of 4 or 16 address bytes. Any other length is a programming error. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== 16) throw new RangeError(`An IP address has 4 or 16 bytes, not ${bytes.length}`);
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  const zeros = longestZeroRun(groups);
  if (zeros.length < 2) return groups.join(":");
  return `${groups.slice(0, zeros.start).join(":")}::${groups.slice(zeros.start + zeros.length).join(":")}`;
}

/** The same text for every spelling of an address; text that is no address comes back unchanged. */
export function canonicalAddress(text: string): string {
  const bytes = addressBytes(text);
  return bytes ? addressText(bytes) : text;
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(bytes: Buffer): boolean {
  if (bytes.length === 4) return bytes[0] === 127;
  return bytes[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0);
}

/** The same, of an address as text; false for text that is no address. */
export function isLoopbackText(address: string): boolean {
  const bytes = addressBytes(address);
  return bytes !== undefined && isLoopback(bytes);
}

function ipv4Bytes(text: string): Buffer | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return Buffer.from(parts.map(Number));
}

function ipv6Bytes(text: string): Buffer | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!);
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const bytes = Buffer.alloc(16);
  [...head, ...new Array<number>(missing).fill(0), ...tail].forEach((group, index) => {
    bytes.writeUInt16BE(group, index * 2);
  });
  return bytes;
}

/** The 16-bit groups of one side of "::"; a dotted IPv4 address may stand at the end and counts as two. */
function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (part.includes(".")) {
      const dotted = index === parts.length - 1 ? ipv4Bytes(part) : undefined;
      if (!dotted) return undefined;
      groups.push(dotted.readUInt16BE(0), dotted.readUInt16BE(2));
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
