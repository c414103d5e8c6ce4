// The class of a stream's object without decoding it.
import { STREAM_HEADER, TC } from "./protocol.ts";

const NAME_LENGTH_OFFSET = 6;
const NAME_OFFSET = 8;

/**
 * The class name when the stream begins with an object or array of a class described there; "java.lang.String" for a
 * string; undefined for anything else, also for what is no stream. Allocates nothing but the name.
 */
export function peekClassName(bytes: Buffer): string | undefined {
  if (bytes.length < NAME_OFFSET || bytes.readUInt32BE(0) !== STREAM_HEADER) return undefined;
  const code = bytes[4];
  if (code === TC.STRING || code === TC.LONGSTRING) return "java.lang.String";
  if ((code !== TC.OBJECT && code !== TC.ARRAY && code !== TC.ENUM) || bytes[5] !== TC.CLASSDESC) return undefined;
  const end = NAME_OFFSET + bytes.readUInt16BE(NAME_LENGTH_OFFSET);
  return end > bytes.length ? undefined : bytes.toString("latin1", NAME_OFFSET, end);
}
