// Cuts a stream of bytes into lines without ever holding more than one line of bounded length.

const NEWLINE = 0x0a;

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #maxLineBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #overlong = false;

  /** `onLine` gets each line without its end; a line longer than `maxLineBytes` is left out. */
  constructor(onLine: (line: string) => void, options: { readonly maxLineBytes: number }) {
    this.#onLine = onLine;
    this.#maxLineBytes = options.maxLineBytes;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      this.#emit();
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The stream is over: what came after its last line end is a line too. */
  end(): void {
    if (this.#pendingBytes > 0) this.#emit();
  }

  #keep(part: Buffer): void {
    if (this.#overlong || this.#pendingBytes + part.length > this.#maxLineBytes) {
      this.#overlong = true;
      this.#pending = [];
      return;
    }
    this.#pending.push(part);
    this.#pendingBytes += part.length;
  }

  #emit(): void {
    const line = this.#overlong ? undefined : Buffer.concat(this.#pending).toString("utf8");
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#overlong = false;
    if (line !== undefined) this.#onLine(line);
  }
}
