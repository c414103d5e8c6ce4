// Limits for connections whose peer has not yet sent a message that was accepted (rule 20).

export interface UnidentifiedPeersOptions {
  /** Connections of one address that may be unidentified at a time. */
  readonly maxConnectionsPerAddress: number;
  /** Bytes that all unidentified connections together may have buffered. */
  readonly maxBytes: number;
}

export class UnidentifiedPeers {
  readonly #options: UnidentifiedPeersOptions;
  readonly #connections = new Map<string, number>();
  #bytes = 0;

  constructor(options: UnidentifiedPeersOptions) {
    this.#options = options;
  }

  /** False when the address has as many as it may. True must be followed by one `leave`. */
  enter(address: string): boolean {
    const count = this.#connections.get(address) ?? 0;
    if (count >= this.#options.maxConnectionsPerAddress) return false;
    this.#connections.set(address, count + 1);
    return true;
  }

  leave(address: string): void {
    const count = this.#connections.get(address)! - 1;
    if (count === 0) this.#connections.delete(address);
    else this.#connections.set(address, count);
  }

  /** Adds what a connection buffers more (or, negative, less) than before; false when that is more than all may have. */
  addBytes(bytes: number): boolean {
    this.#bytes += bytes;
    return bytes <= 0 || this.#bytes <= this.#options.maxBytes;
  }
}
