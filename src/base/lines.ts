// Lines of a stream of bytes that come in any pieces.
import { TomcatClusterError } from "./errors.ts";

/** A line grew beyond what is read. */
export class LineTooLongError extends TomcatClusterError {
  readonly code = "LINE_TOO_LONG";

  constructor(maxBytes: number) {
    super(`A line has more than ${maxBytes} bytes`);
  }
}

/** Every line that is complete and not empty, without its line feed. Throws LineTooLongError, and what `body` throws. */
export async function* readLines(body: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer, void, undefined> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    for (let start = 0; start < chunk.length; ) {
      const end = chunk.indexOf(10, start);
      const piece = chunk.subarray(start, end < 0 ? chunk.length : end);
      bytes += piece.length;
      if (bytes > maxBytes) throw new LineTooLongError(maxBytes);
      pieces.push(piece);
      if (end < 0) break;
      if (bytes > 0) yield Buffer.concat(pieces, bytes);
      pieces = [];
      bytes = 0;
      start = end + 1;
    }
  }
}
