// channelSendOptions: the bits and names of tribes.md 4.
import type { Conversion } from "./attribute-type.ts";

const BYTE_MESSAGE = 0x01;
const USE_ACK = 0x02;
const SYNCHRONIZED_ACK = 0x04;
const ASYNCHRONOUS = 0x08;
const SECURE = 0x10;
const UDP = 0x20;
const MULTICAST = 0x40;
const HANDLED = USE_ACK | SYNCHRONIZED_ACK | ASYNCHRONOUS;

const OVER_TCP = "session messages travel over TCP, which takes any size and keeps their order";
const INSTEAD: Readonly<Record<string, string>> = {
  secure: "it means nothing to a Tomcat; add an EncryptInterceptor",
  udp: OVER_TCP,
  multicast: OVER_TCP,
};

const OPTION_NAMES: Readonly<Record<string, number>> = {
  byte: BYTE_MESSAGE,
  byte_message: BYTE_MESSAGE,
  use_ack: USE_ACK,
  sync: SYNCHRONIZED_ACK,
  synchronized_ack: SYNCHRONIZED_ACK,
  async: ASYNCHRONOUS,
  asynchronous: ASYNCHRONOUS,
  secure: SECURE,
  udp: UDP,
  multicast: MULTICAST,
};

/** A whole number or Tomcat's names, separated by commas. */
export function parseSendOptions(text: string): Conversion {
  const bits = toBits(text);
  if (typeof bits === "string") return { problem: bits };
  const laterName = Object.entries({ secure: SECURE, udp: UDP, multicast: MULTICAST }).find(([, bit]) => (bits & bit) !== 0)?.[0];
  if (laterName !== undefined) return { later: `"${laterName}" of "${text}" is not supported in this version: ${INSTEAD[laterName]}` };
  if ((bits & ~(HANDLED | BYTE_MESSAGE)) !== 0)
    return { problem: `found "${text}", which has unknown bits: known are 2, 4, 8 and their sums` };
  const value = bits & HANDLED;
  if (value === 0) return { problem: `found "${text}", which asks for nothing: give 6 (synchronous), 8 (asynchronous), 10 or 2` };
  if ((value & SYNCHRONIZED_ACK) !== 0 && (value & USE_ACK) === 0) {
    return {
      value,
      note: { level: "warn", message: `"${text}" gives no acknowledgement: for acknowledged sending write 6 (sync,use_ack)` },
    };
  }
  if ((bits & BYTE_MESSAGE) !== 0) return { value, note: { level: "debug", message: "byte_message is set by the channel itself" } };
  return { value };
}

function toBits(text: string): number | string {
  if (/^\d{1,9}$/.test(text.trim())) return Number(text);
  let bits = 0;
  for (const name of text.split(",").map((part) => part.trim())) {
    if (!Object.hasOwn(OPTION_NAMES, name)) {
      return `found "${name}" in "${text}", known: ${Object.keys(OPTION_NAMES).join(", ")}, or their sum as a number`;
    }
    bits |= OPTION_NAMES[name]!;
  }
  return bits;
}
