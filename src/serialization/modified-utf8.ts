// Java's modified UTF-8: NUL is two bytes, a surrogate is three of its own (java.io.DataInput, "Modified UTF-8").
import type { ByteReader, ByteWriter } from "../base/index.ts";
import { MalformedStreamError } from "./errors.ts";

/** Up to here a loop over the characters beats a call into the engine. */
const SHORT_STRING = 64;

/** Reads `length` bytes as a string. The string is a copy. Throws MalformedStreamError for what is not modified UTF-8. */
export function readModifiedUtf8(reader: ByteReader, length: number): string {
  const start = reader.offset;
  skipBytes(reader, length);
  return decodeModifiedUtf8(reader.buffer, start, length);
}

/** Moves on by `length` bytes. Throws UnexpectedEndError when they are not there; makes no view of them. */
export function skipBytes(reader: ByteReader, length: number): void {
  if (length < 0 || length > reader.remaining) reader.bytes(length);
  reader.offset += length;
}

export function decodeModifiedUtf8(bytes: Buffer, start: number, length: number): string {
  const end = start + length;
  let offset = start;
  while (offset < end && bytes[offset]! < 0x80) offset++;
  if (offset === end) return bytes.toString("latin1", start, end);
  return decodeWide(bytes, start, offset, end);
}

/** From the first byte that is not ASCII on, by hand into UTF-16: unpaired surrogates are legal in Java. */
function decodeWide(bytes: Buffer, start: number, firstWide: number, end: number): string {
  const units = Buffer.allocUnsafe((end - start) * 2);
  let length = 0;
  for (let offset = start; offset < firstWide; offset++) {
    units[length++] = bytes[offset]!;
    units[length++] = 0;
  }
  let offset = firstWide;
  while (offset < end) {
    const first = bytes[offset++]!;
    let unit = first;
    if (first >= 0x80) {
      const more = first >> 5 === 0b110 ? 1 : first >> 4 === 0b1110 ? 2 : 0;
      if (more === 0 || offset + more > end) throw new MalformedStreamError("Bad modified UTF-8", offset - 1);
      unit = more === 1 ? first & 0x1f : first & 0x0f;
      for (let index = 0; index < more; index++) {
        const next = bytes[offset++]!;
        if (next >> 6 !== 0b10) throw new MalformedStreamError("Bad modified UTF-8", offset - 1);
        unit = (unit << 6) | (next & 0x3f);
      }
    }
    units[length++] = unit & 0xff;
    units[length++] = unit >> 8;
  }
  return units.toString("utf16le", 0, length);
}

/** Bytes that `writeModifiedUtf8` writes. Equal to `text.length` only for text that is ASCII without NUL. */
export function modifiedUtf8Length(text: string): number {
  if (text.length > SHORT_STRING && Buffer.byteLength(text, "utf8") === text.length && !text.includes("\0")) return text.length;
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7ff) length += 2;
    else if (unit > 0x7f || unit === 0) length++;
  }
  return length;
}

/** `length` is what `modifiedUtf8Length` said of the text. */
export function writeModifiedUtf8(writer: ByteWriter, text: string, length: number): void {
  if (length === text.length) {
    writer.latin1(text);
    return;
  }
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7ff) {
      bytes[offset++] = 0xe0 | (unit >> 12);
      bytes[offset++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[offset++] = 0x80 | (unit & 0x3f);
    } else if (unit > 0x7f || unit === 0) {
      bytes[offset++] = 0xc0 | (unit >> 6);
      bytes[offset++] = 0x80 | (unit & 0x3f);
    } else {
      bytes[offset++] = unit;
    }
  }
  writer.bytes(bytes);
}
