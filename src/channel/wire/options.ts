// The option bits of ChannelData (tribes.md 4) and what senders and receivers read from them. Append-only: other nodes know these bits.
import type { Acknowledge, Carrier, SendOptions } from "../channel.ts";
import { IllegalSendOptionsError } from "../errors.ts";

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

/** Bits below it have a meaning of their own; those above are the interceptors'. */
const FIRST_INTERCEPTOR_BIT = 0x80;
const OWN_BITS = FIRST_INTERCEPTOR_BIT - 1;
const CARRIER_BITS: Readonly<Record<Carrier, number>> = { Connection: 0, Datagram: UDP, Multicast: MULTICAST };

/** The bits of a send, without BYTE_MESSAGE. Throws IllegalSendOptionsError for options that cannot be had together. */
export function toOptionBits({ acknowledge, asynchronous, carrier = "Connection", secure, interceptorBits = 0 }: SendOptions): number {
  if ((interceptorBits & OWN_BITS) !== 0 || interceptorBits < 0 || interceptorBits > 0x7fff_ffff) {
    throw new IllegalSendOptionsError(`"interceptorBits" ${interceptorBits} must be a sum of bits from ${FIRST_INTERCEPTOR_BIT} up`);
  }
  if (carrier === "Multicast" && acknowledge !== "None") {
    throw new IllegalSendOptionsError(
      "multicast is never acknowledged: use it without acknowledgement, or a connection or datagrams with one",
    );
  }
  const acknowledged = acknowledge === "None" ? 0 : acknowledge === "Received" ? USE_ACK : USE_ACK | SYNCHRONIZED_ACK;
  return acknowledged | (asynchronous ? ASYNCHRONOUS : 0) | (secure ? SECURE : 0) | CARRIER_BITS[carrier] | interceptorBits;
}

/**
 * What a sum of bits means: those of `channelSendOptions` of a cluster, or of Tomcat's `Channel.send`. 4 alone asks for no
 * acknowledgement; BYTE_MESSAGE follows from the kind of the message. Throws IllegalSendOptionsError for what no message can be.
 */
export function fromOptionBits(options: number, orderKey?: string): SendOptions {
  if (!Number.isInteger(options) || options < 0 || options > 0x7fff_ffff) {
    throw new IllegalSendOptionsError(`${options} is no sum of option bits`);
  }
  if ((options & (UDP | MULTICAST)) === (UDP | MULTICAST)) {
    throw new IllegalSendOptionsError(`${options} asks for datagrams to members (${UDP}) and to the group (${MULTICAST}) at once`);
  }
  const carrier: Carrier = (options & UDP) !== 0 ? "Datagram" : (options & MULTICAST) !== 0 ? "Multicast" : "Connection";
  const interceptorBits = options & ~OWN_BITS;
  const sendOptions: SendOptions = {
    acknowledge: acknowledgeOf(options),
    asynchronous: (options & ASYNCHRONOUS) !== 0,
    ...(orderKey === undefined ? {} : { orderKey }),
    ...(carrier === "Connection" ? {} : { carrier }),
    ...((options & SECURE) === 0 ? {} : { secure: true }),
    ...(interceptorBits === 0 ? {} : { interceptorBits }),
  };
  toOptionBits(sendOptions);
  return sendOptions;
}
