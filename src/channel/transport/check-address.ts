// Whether a message comes from the host that its sender announces (rule 20).
import { TomcatClusterError } from "../../base/index.ts";
import type { ChannelMessage } from "../channel.ts";
import { isLoopback } from "../wire/ip-address.ts";

/** The member block names another host than the one that the message comes from. */
export class AddressMismatchError extends TomcatClusterError {
  readonly code = "ADDRESS_MISMATCH";
}

/** `host`: the bytes of `peer`. Throws AddressMismatchError. Among loopback addresses equality would prove nothing: every local process can take each. */
export function checkAddress(message: ChannelMessage, peer: string, host: Buffer | undefined): void {
  const announced = message.address.host;
  if (host?.equals(announced) || (host && isLoopback(host) && isLoopback(announced))) return;
  throw new AddressMismatchError(
    `A message of member "${message.address.name}" came from "${peer}": set "trustProxiedPeers" if members connect through a proxy`,
  );
}
