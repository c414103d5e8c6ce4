// The two acknowledgements (tribes.md 3): frames with three bytes and no message id; the order on the connection says what they answer.
import { encodeFrame } from "./frame.ts";

const ACK_PAYLOAD = Buffer.of(0x06, 0x02, 0x03);
const FAIL_ACK_PAYLOAD = Buffer.of(0x0b, 0x00, 0x05);

/** The whole frame that says "received" or "processed". */
export const ACK = encodeFrame(ACK_PAYLOAD);
/** The whole frame that says "processing failed". */
export const FAIL_ACK = encodeFrame(FAIL_ACK_PAYLOAD);

export function isAck(payload: Buffer): boolean {
  return payload.length === 3 && payload[0] === 0x06 && payload[1] === 0x02 && payload[2] === 0x03;
}

export function isFailAck(payload: Buffer): boolean {
  return payload.length === 3 && payload[0] === 0x0b && payload[1] === 0x00 && payload[2] === 0x05;
}
