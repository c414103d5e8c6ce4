// Compresses the bodies of messages (Tomcat: GzipInterceptor; tribes.md 12.5).
import { gunzipSync, gzipSync } from "node:zlib";
import { asError, type Logger, systemErrorCode } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import type { CompressionDescription } from "../describe-channel.ts";
import { MalformedMessageError } from "../errors.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { MessageTooLargeError } from "../stack-errors.ts";
import { handles } from "../wire/options.ts";

export interface GzipInterceptorDeps {
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "refused">;
}

export interface GzipInterceptorOptions {
  /** Bits that tell a compressed message from one that is not; default 0x100. The same on every member. */
  readonly optionFlag: number;
  /** Bodies with more bytes than this are compressed; default 0. */
  readonly compressionMinSize: number;
  /** Default false. */
  readonly statsEnabled: boolean;
  /** Messages, of both directions, from one line of statistics in the log to the next; default 0: none. */
  readonly interval: number;
  /** Bytes of the largest inflated body that is taken. */
  readonly maxFrameBytes: number;
}

/** Where the operating system stands in a gzip header. JDKs since 16 write "unknown". */
const OS_INDEX = 9;
const UNKNOWN_OS = 0xff;
/** Of node:zlib: there is more output than it may give. */
const TOO_MUCH_OUTPUT = "ERR_BUFFER_TOO_LARGE";

/**
 * Above EncryptInterceptor: what is encrypted does not compress, and only what members have sent is inflated. A body that does not
 * inflate, or to more than `maxFrameBytes`, refuses its message (rule 12), where a Tomcat acknowledges it and inflates without limit.
 * Both directions are done within the call: a message that waited for a thread would be overtaken by the next one (rule 10).
 */
export class GzipInterceptor extends ChannelInterceptor {
  readonly #deps: GzipInterceptorDeps;
  readonly #options: GzipInterceptorOptions;
  readonly #statistics = {
    count: 0,
    countCompressedTX: 0,
    countUncompressedTX: 0,
    countCompressedRX: 0,
    countUncompressedRX: 0,
    sizeTX: 0,
    compressedSizeTX: 0,
    uncompressedSizeTX: 0,
    sizeRX: 0,
    compressedSizeRX: 0,
    uncompressedSizeRX: 0,
  };

  constructor(deps: GzipInterceptorDeps, options: GzipInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  /** Compressed once for all destinations. */
  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    const { optionFlag, compressionMinSize } = this.#options;
    const plain = message.body;
    const compresses = plain.length > compressionMinSize;
    const body = compresses ? compress(plain) : plain;
    const statistics = this.#statistics;
    statistics.sizeTX += plain.length;
    statistics[compresses ? "countCompressedTX" : "countUncompressedTX"]++;
    statistics[compresses ? "compressedSizeTX" : "uncompressedSizeTX"] += body.length;
    this.#count();
    if (!compresses) return this.below.sendMessage(destinations, message);
    return this.below.sendMessage(destinations, { ...message, options: message.options | optionFlag, body });
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    const compressed = handles(this.#options.optionFlag, message.options);
    const body = compressed ? this.#inflate(message.body) : message.body;
    const statistics = this.#statistics;
    statistics[compressed ? "countCompressedRX" : "countUncompressedRX"]++;
    statistics[compressed ? "compressedSizeRX" : "uncompressedSizeRX"] += message.body.length;
    statistics.sizeRX += body.length;
    this.#count();
    return this.above.messageReceived(compressed ? { ...message, body } : message);
  }

  override describe(): { readonly compression?: CompressionDescription } {
    return this.#options.statsEnabled ? { compression: { ...this.#statistics } } : {};
  }

  #inflate(body: Buffer): Buffer {
    const { maxFrameBytes } = this.#options;
    try {
      return gunzipSync(body, { maxOutputLength: maxFrameBytes });
    } catch (error) {
      this.#deps.metrics.refused.inc({ reason: "compression" });
      if (systemErrorCode(error) === TOO_MUCH_OUTPUT) throw new MessageTooLargeError("A compressed message inflates to", maxFrameBytes);
      throw new MalformedMessageError(`A compressed message cannot be inflated: ${asError(error).message}`, { cause: error });
    }
  }

  #count(): void {
    const { statsEnabled, interval } = this.#options;
    const count = ++this.#statistics.count;
    if (statsEnabled && interval > 0 && count % interval === 0) this.#deps.logger.info({ ...this.#statistics }, "Compression of messages");
  }
}

/** The bytes that a Tomcat makes of the same body. */
function compress(body: Buffer): Buffer {
  const compressed = gzipSync(body);
  compressed[OS_INDEX] = UNKNOWN_OS;
  return compressed;
}
