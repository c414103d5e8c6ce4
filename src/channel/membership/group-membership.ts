// What a channel needs of its membership besides knowing the members: who may connect (rule 20).
import type { MembershipService } from "../channel.ts";

export interface GroupMembership extends MembershipService {
  /** Whether frames from this address are taken at once. */
  isKnown(address: string): boolean;
  /** Looks or waits once more for an address that is not known. Never rejects. */
  admit(address: string): Promise<boolean>;
}
