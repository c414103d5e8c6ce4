// Encrypts the bodies of messages, and takes none that is not encrypted with a key of the group (Tomcat: EncryptInterceptor; tribes.md
// 12.10, rule 21). Options, sender and unique id of a message stay readable; probes and good-byes go below this layer.
import { asError, type Clock, type Logger, type Random } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import type { EncryptionDescription } from "../describe-channel.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { ENCRYPTION_REFUSALS, type EncryptionRefusal, RefusedByEncryptionError } from "../stack-errors.ts";
import { describeRing, type KeyRing, type KeySource, sameKeys } from "./encryption/key-ring.ts";
import { type EncryptionAlgorithm, type MessageCipher, messageCipher, TIMESTAMP_BYTES, timestampOf } from "./encryption/message-cipher.ts";
import { type Freshness, ReplayMemory } from "./encryption/replay-memory.ts";
import { isProbe } from "./probe-messages.ts";

export interface EncryptInterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "refused">;
  /** Makes the IVs: must be cryptographically strong. */
  readonly random: Random;
  /** Read once here, and again at each heartbeat. */
  readonly keys: KeySource;
}

export interface EncryptInterceptorOptions {
  /** The same on every member. */
  readonly algorithm: EncryptionAlgorithm;
  /** How far a message's time stamp may be from the own clock, either way; default 10 000. Clocks must agree that well. */
  readonly replayWindowMs: number;
  /** Messages of one sender that are remembered, at most; see ReplayMemory. */
  readonly replayWindowMessageCount: number;
}

const EXPLANATIONS: Readonly<Record<EncryptionRefusal, string>> = {
  too_short: "it is too short to be encrypted",
  not_encrypted: "it is not encrypted: give the sender an EncryptInterceptor with a key of this group",
  undecryptable:
    "no accepted key opens it: the sender has another key or encryptionAlgorithm, is a Tomcat before 9.0.119, 10.1.56 or 11.0.23, or the bytes were changed",
  old_format: "it has no time stamp: the sender is a Tomcat before 9.0.119, 10.1.56 or 11.0.23, which cannot be in this group",
  clock_skew: "its time stamp is further from this machine's clock than replayWindowTime: set the clocks",
  replay: "it is a copy of a message that came before",
  forgotten: "a copy of it could not be told from the first: it is older than what is remembered; raise replayWindowMessageCount",
};
const FRESHNESS_REFUSALS: Readonly<Record<Exclude<Freshness, "Fresh">, EncryptionRefusal>> = {
  Skewed: "clock_skew",
  Replay: "replay",
  Forgotten: "forgotten",
};
/** No clock is that wrong: what looks like a time stamp is something else. */
const IMPOSSIBLE_SKEW_MS = 1000 * 60 * 60 * 24 * 365;
/** Of a Java object stream. */
const JAVA_MAGIC = 0xaced0005;
const LOG_PERIOD_MS = 10_000;

/** Throwing in `messageReceived` is what answers FAIL_ACK (rule 12). A repeat of a sender that missed our answer never gets here. */
export class EncryptInterceptor extends ChannelInterceptor {
  readonly #deps: EncryptInterceptorDeps;
  readonly #options: EncryptInterceptorOptions;
  readonly #cipher: MessageCipher;
  readonly #memory: ReplayMemory;
  readonly #refusals = new Map<EncryptionRefusal, { unlogged: number; nextLogMs: number }>();
  #ring: KeyRing;
  #reloading: Promise<void> | undefined;
  /** Of the clock's `monotonic`: when the keys were last read. */
  #readMs: number;
  /** Why the last attempt to read them failed. */
  #failure: Error | undefined;

  /** Throws EncryptionKeyError. */
  constructor(deps: EncryptInterceptorDeps, options: EncryptInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
    this.#cipher = messageCipher(options.algorithm);
    this.#memory = new ReplayMemory({ windowMs: options.replayWindowMs, maxMessages: options.replayWindowMessageCount });
    this.#ring = deps.keys.load();
    this.#readMs = deps.clock.monotonic();
    for (const reason of ENCRYPTION_REFUSALS) deps.metrics.refused.inc({ reason }, 0);
  }

  override async start(): Promise<void> {
    this.#deps.logger.info({ algorithm: this.#options.algorithm, ...describeRing(this.#ring) }, "Messages are encrypted");
    if (this.#cipher.authenticates) return;
    this.#deps.logger.warn({ algorithm: this.#options.algorithm }, "Changed messages are not always noticed: use AES/GCM/NoPadding");
  }

  override async stop(): Promise<void> {
    await this.#reloading;
  }

  override get encrypts(): boolean {
    return true;
  }

  /** Encrypted once for all destinations. */
  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    const iv = this.#deps.random.bytes(this.#cipher.ivBytes);
    const body = this.#cipher.seal(this.#ring.sending.key, iv, message.timestamp, message.body);
    return this.below.sendMessage(destinations, { ...message, body });
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    // They carry nothing, and get here where no failure detector below has taken them off.
    if (isProbe(message)) return this.above.messageReceived(message);
    const opened = this.#open(message);
    // The time stamp beside the body is not protected: this one is.
    return this.above.messageReceived({ ...message, timestamp: timestampOf(opened), body: opened.subarray(TIMESTAMP_BYTES) });
  }

  override heartbeat(): void {
    super.heartbeat();
    this.#memory.forget(this.#deps.clock.now());
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
  }

  override describe(): { readonly encryption: EncryptionDescription } {
    return {
      encryption: {
        algorithm: this.#options.algorithm,
        ...describeRing(this.#ring),
        rememberedMessages: this.#memory.size,
        lastReadMs: Math.round(this.#deps.clock.monotonic() - this.#readMs),
        failure: this.#failure?.message,
      },
    };
  }

  #open(message: ChannelMessage): Buffer {
    const { body, address } = message;
    if (body.length < this.#cipher.minBytes) this.#refuse(address, startsAsJavaObject(body) ? "not_encrypted" : "too_short");
    let refusal: EncryptionRefusal | undefined;
    for (const { key } of this.#ring.accepted) {
      const opened = this.#cipher.open(key, body);
      if (opened === undefined) continue;
      const found = this.#examine(message, opened);
      if (found === undefined) return opened;
      refusal ??= found;
    }
    this.#refuse(address, refusal ?? (startsAsJavaObject(body) ? "not_encrypted" : "undecryptable"));
  }

  /** Undefined: the message is to be taken. */
  #examine({ address, body }: ChannelMessage, opened: Buffer): EncryptionRefusal | undefined {
    if (opened.length < TIMESTAMP_BYTES || startsAsJavaObject(opened)) return "old_format";
    const nowMs = this.#deps.clock.now();
    const timestamp = timestampOf(opened);
    const freshness = this.#memory.check(address.key, body, timestamp, nowMs);
    if (freshness === "Fresh") return undefined;
    if (freshness === "Skewed" && !(Math.abs(nowMs - timestamp) < IMPOSSIBLE_SKEW_MS)) {
      return this.#cipher.authenticates ? "old_format" : "undecryptable";
    }
    return FRESHNESS_REFUSALS[freshness];
  }

  /** One line at most in ten seconds for each reason: a member with a wrong key must not fill the log. */
  #refuse(sender: Member, reason: EncryptionRefusal): never {
    this.#deps.metrics.refused.inc({ reason });
    const refusals = this.#refusals.get(reason) ?? { unlogged: 0, nextLogMs: Number.NEGATIVE_INFINITY };
    this.#refusals.set(reason, refusals);
    refusals.unlogged++;
    const nowMs = this.#deps.clock.monotonic();
    if (nowMs >= refusals.nextLogMs) {
      const fields = { sender: sender.name, reason, explanation: EXPLANATIONS[reason], messages: refusals.unlogged };
      this.#deps.logger.warn(fields, "Refused a message on the encrypted channel");
      refusals.unlogged = 0;
      refusals.nextLogMs = nowMs + LOG_PERIOD_MS;
    }
    throw new RefusedByEncryptionError(reason, EXPLANATIONS[reason]);
  }

  async #reload(): Promise<void> {
    const { logger, keys, clock } = this.#deps;
    try {
      const ring = await keys.reload();
      if (this.#failure) logger.info(describeRing(ring), "Encryption keys can be read again");
      this.#failure = undefined;
      this.#readMs = clock.monotonic();
      if (sameKeys(ring, this.#ring)) return;
      this.#ring = ring;
      logger.info(describeRing(ring), "Encryption keys changed");
    } catch (error) {
      const err = asError(error);
      if (!this.#failure) logger.warn({ err, ...describeRing(this.#ring) }, "Encryption keys cannot be read; these stay in use");
      this.#failure = err;
    }
  }
}

function startsAsJavaObject(body: Buffer): boolean {
  return body.length >= 4 && body.readUInt32BE(0) === JAVA_MAGIC;
}
