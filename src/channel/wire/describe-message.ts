// What a frame says, for people who look at debug lines: its head, and of its body the length and the class, never the content.
import { peekClassName } from "../../serialization/index.ts";
import type { ChannelMessage } from "../channel.ts";
import { isShutdown } from "./member-block.ts";
import { ASYNCHRONOUS, BYTE_MESSAGE, MULTICAST, SECURE, SYNCHRONIZED_ACK, UDP, USE_ACK } from "./options.ts";

/** By Tomcat's names for configuration. */
const OPTION_NAMES: readonly (readonly [number, string])[] = [
  [BYTE_MESSAGE, "byte_message"],
  [USE_ACK, "use_ack"],
  [SYNCHRONIZED_ACK, "synchronized_ack"],
  [ASYNCHRONOUS, "asynchronous"],
  [SECURE, "secure"],
  [UDP, "udp"],
  [MULTICAST, "multicast"],
];
const NAMED_BITS = OPTION_NAMES.reduce((sum, [bit]) => sum | bit, 0);

export interface MessageDescription {
  /** "use_ack,asynchronous", bits of interceptors in hex behind them: "use_ack,0x100". */
  readonly options: string;
  readonly sender: string;
  readonly uniqueId: string;
  /** Milliseconds, the sender's clock. */
  readonly timestamp: number;
  readonly bodyBytes: number;
  /** Java class of the body; undefined for bytes, and for what an interceptor has changed. */
  readonly className: string | undefined;
  /** The sender says good-bye. */
  readonly leaving?: true;
}

export function describeMessage({ options, address, uniqueId, timestamp, body }: ChannelMessage): MessageDescription {
  const names = OPTION_NAMES.filter(([bit]) => (options & bit) !== 0).map(([, name]) => name);
  const others = (options & ~NAMED_BITS) >>> 0;
  if (others !== 0) names.push(`0x${others.toString(16)}`);
  return {
    options: names.join(","),
    sender: address.name,
    uniqueId: uniqueId.toString("hex"),
    timestamp,
    bodyBytes: body.length,
    className: (options & BYTE_MESSAGE) === 0 ? peekClassName(body) : undefined,
    ...(isShutdown(address) ? { leaving: true } : {}),
  };
}
