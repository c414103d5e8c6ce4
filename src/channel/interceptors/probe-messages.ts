// Byte messages that only test a connection; receivers drop them (tribes.md 12.2, 12.3).
import type { ChannelMessage } from "../channel.ts";

/** What TcpFailureDetector writes. */
export const PROBE_BODY: Buffer = Buffer.from(
  "4fa77348798243c99f6f8980a15b07147dd9525bebf1439ab77ebe8f81671eb6" + "3715be87457e4ca8bf0a4d135338153255f694b73afa407891047dd77284c0d5",
  "hex",
);

/** What TcpPingInterceptor writes. */
export const PING_BODY: Buffer = Buffer.from(
  "4fa7734879df43c99f6f8980a15b07147dd9525bebdf439ab77ebe8f81671eb6" + "3715be8745214ca8bf0a4d135338153255f694b73adf217891047dd77284c0d5",
  "hex",
);

export function isProbe(message: ChannelMessage): boolean {
  return message.body.length === PROBE_BODY.length && (message.body.equals(PROBE_BODY) || message.body.equals(PING_BODY));
}
