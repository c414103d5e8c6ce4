// The option bits of ChannelData (tribes.md 4) and what senders and receivers read from them. Append-only: other nodes know these bits.
import type { Acknowledge, SendOptions } from "../channel.ts";

/** The body is bytes as they are, not a Java object stream. Set by `send` from the kind of the message. */
export const BYTE_MESSAGE = 0x01;
export const USE_ACK = 0x02;
/** With USE_ACK: acknowledge after processing. Alone it asks for nothing. */
export const SYNCHRONIZED_ACK = 0x04;
export const ASYNCHRONOUS = 0x08;
/** Reserved in Tomcat; nothing implements it. */
export const SECURE = 0x10;
export const UDP = 0x20;
export const MULTICAST = 0x40;
/** Set by GzipInterceptor on a body that it compressed. */
export const COMPRESSED = 0x100;

/** Whether an interceptor with this `optionFlag` handles a message: one with 0 handles each (Tomcat: okToProcess). */
export function handles(optionFlag: number, options: number): boolean {
  return (options & optionFlag) === optionFlag;
}

/** What the bits ask of the receiver. */
export function acknowledgeOf(options: number): Acknowledge {
  if ((options & USE_ACK) === 0) return "None";
  return (options & SYNCHRONIZED_ACK) === 0 ? "Received" : "Processed";
}

/** The bits of a send: 0, 2 or 6 by its acknowledgement, plus 8 when asynchronous. */
export function toOptionBits(options: SendOptions): number {
  const acknowledge = options.acknowledge === "None" ? 0 : options.acknowledge === "Received" ? USE_ACK : USE_ACK | SYNCHRONIZED_ACK;
  return options.asynchronous ? acknowledge | ASYNCHRONOUS : acknowledge;
}

/** What `channelSendOptions` of a cluster, or the options of a frame, mean: 2, 4, 6, 8, 10 and their like. 4 alone asks for no ACK. */
export function fromOptionBits(options: number, orderKey?: string): SendOptions {
  const acknowledge = acknowledgeOf(options);
  const asynchronous = (options & ASYNCHRONOUS) !== 0;
  return orderKey === undefined ? { acknowledge, asynchronous } : { acknowledge, asynchronous, orderKey };
}
