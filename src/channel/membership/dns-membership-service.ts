// Members are the addresses of one DNS name (Tomcat: CloudMembershipService with DNSMembershipProvider; tribes.md 11.3, rules 1, 2, 20).
import type { AddressFamily, Clock, Logger, NameResolver } from "../../base/index.ts";
import type { Member, MembershipListener, ReceiverPorts } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { addressBytes, addressText, isLoopback, isLoopbackText } from "../wire/ip-address.ts";
import { createMember, isShutdown, SHUTDOWN_COMMAND, uniqueIdOf } from "../wire/member-block.ts";
import type { GroupMembership } from "./group-membership.ts";
import { MemberLookUp } from "./member-look-up.ts";

export interface DnsMembershipServiceDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "lookUps">;
  readonly resolver: NameResolver;
}

export interface DnsMembershipServiceOptions {
  readonly dnsName: string;
  /** Between two look-ups. Higher: less load on DNS, later news. */
  readonly refreshMs: number;
  /**
   * How long a member that is no longer listed is kept before its disappearance is reported. 0 where a TcpFailureDetector
   * above asks the member itself; the configured expiry where nobody does.
   */
  readonly expirationMs: number;
}

/** Rule 2: a member that is not listed for this long goes, even if it answers probes. */
const MAX_ABSENCE_MS = 30_000;
/** Larger answers are cut. */
const MAX_MEMBERS = 1000;
/** A stranger that the last look-up did not contain is looked up again only after this. */
const STRANGER_PAUSE_MS = 1000;

interface Entry {
  readonly member: Member;
  /** `Absent`: not listed any more, and reported so. `Left`: said good-bye, and has not spoken since. */
  state: "Present" | "Absent" | "Left";
  absentSinceMs: number | undefined;
  /** The good-bye's time stamp, of the member's own clock. */
  leftAt: number;
}

export class DnsMembershipService implements GroupMembership {
  listener: MembershipListener = { memberAdded: () => undefined, memberDisappeared: () => undefined };
  readonly #deps: DnsMembershipServiceDeps;
  readonly #options: DnsMembershipServiceOptions;
  /** By address, in the order of their first appearance. */
  readonly #entries = new Map<string, Entry>();
  readonly #strangers = new Map<string, number>();
  readonly #firstLook = Promise.withResolvers<void>();
  #local: Member | undefined;
  #localIsLoopback = false;
  #lookUp: MemberLookUp | undefined;
  #members: readonly Member[] = [];
  #listsLocal: boolean | undefined;

  constructor(deps: DnsMembershipServiceDeps, options: DnsMembershipServiceOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Valid after `start` was called. Its unique id follows from the receiver's address from the first message on. */
  get localMember(): Member {
    return this.#local!;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  get listsLocalMember(): boolean | undefined {
    return this.#listsLocal;
  }

  async start({ address, port, securePort = -1, udpPort = -1 }: ReceiverPorts): Promise<void> {
    this.#local = createMember({ ...identity(address, port), securePort, udpPort, aliveTimeMs: 0 });
    this.#localIsLoopback = isLoopback(this.#local.host);
    const family: AddressFamily = this.#local.host.length === 4 ? 4 : 6;
    this.#lookUp = new MemberLookUp(
      { ...this.#deps, onAnswer: (addresses) => this.#apply(addresses) },
      { name: this.#options.dnsName, family, refreshMs: this.#options.refreshMs },
    );
    await this.#lookUp.start();
    this.#firstLook.resolve();
  }

  async stop(): Promise<void> {
    this.#firstLook.resolve();
    this.#lookUp?.stop();
  }

  /** Look-ups have a timer of their own. */
  heartbeat(): void {
    // Nothing to do: see `refreshMs`.
  }

  /**
   * Rule 20: whether frames from this address are taken without asking DNS again. Between loopback members the address of a
   * connection proves nothing, and a Tomcat there connects from 127.0.0.1: then only the member block counts (`messageFrom`).
   */
  isKnown(address: string): boolean {
    return this.#entries.has(address) || (this.#localIsLoopback && isLoopbackText(address));
  }

  /** Rule 20: resolves once more for an address that is not known. Never rejects. */
  async admit(address: string): Promise<boolean> {
    await this.#firstLook.promise;
    if (this.isKnown(address)) return true;
    return this.#isListed(address);
  }

  async #isListed(address: string): Promise<boolean> {
    await this.#firstLook.promise;
    if (!this.#entries.has(address)) await this.#lookUp?.fresh();
    return this.#entries.has(address);
  }

  messageFrom(sender: Member, timestamp: number): Member | undefined | Promise<Member | undefined> {
    const entry = this.#entries.get(sender.address);
    if (entry === undefined || entry.member.port !== sender.port) return this.#introduce(sender);
    if (isShutdown(sender)) {
      this.#leave(entry, timestamp);
      return undefined;
    }
    if (entry.state !== "Left") return entry.member;
    // What left the member before its good-bye, on another connection, may arrive after it.
    return timestamp > entry.leftAt ? this.#welcomeBack(entry) : undefined;
  }

  #introduce(sender: Member): Promise<Member | undefined> | undefined {
    if (isShutdown(sender)) return undefined;
    if (this.#local !== undefined && (sender.port !== this.#local.port || sender.address === this.#local.address)) return undefined;
    const askedMs = this.#strangers.get(sender.address);
    if (askedMs !== undefined && this.#deps.clock.monotonic() - askedMs < STRANGER_PAUSE_MS) return undefined;
    return this.#lookUpStranger(sender);
  }

  async #lookUpStranger(sender: Member): Promise<Member | undefined> {
    if (await this.#isListed(sender.address)) {
      this.#strangers.delete(sender.address);
      const { member } = this.#entries.get(sender.address)!;
      return member.port === sender.port ? member : undefined;
    }
    if (this.#strangers.size >= MAX_MEMBERS) this.#strangers.clear();
    this.#strangers.set(sender.address, this.#deps.clock.monotonic());
    this.#deps.logger.warn({ sender: sender.name, dnsName: this.#options.dnsName }, "Message from a sender that DNS does not list");
    return undefined;
  }

  /** A new process at the address of one that said good-bye: it comes back unless a look-up made now no longer lists it. */
  async #welcomeBack(entry: Entry): Promise<Member | undefined> {
    await this.#lookUp?.fresh();
    if (this.#entries.get(entry.member.address) !== entry) return undefined;
    if (entry.state === "Left") this.#add(entry);
    return entry.member;
  }

  #leave(entry: Entry, timestamp: number): void {
    const wasMember = entry.state !== "Left";
    entry.state = "Left";
    entry.leftAt = Math.max(entry.leftAt, timestamp);
    if (!wasMember) return;
    this.#snapshot();
    this.listener.memberDisappeared(shuttingDown(entry.member));
  }

  #apply(addresses: readonly string[]): void {
    const listed = this.#canonical(addresses);
    this.#listsLocal = listed.delete(this.localMember.address);
    for (const [address, entry] of this.#entries) if (!listed.has(address)) this.#missing(entry);
    for (const address of listed) {
      const entry = this.#entries.get(address);
      if (entry === undefined) this.#appear(address);
      else {
        entry.absentSinceMs = undefined;
        if (entry.state === "Absent") this.#add(entry);
      }
    }
  }

  #appear(address: string): void {
    const member = createMember(identity(address, this.localMember.port));
    const entry: Entry = { member, state: "Present", absentSinceMs: undefined, leftAt: Number.NEGATIVE_INFINITY };
    this.#entries.set(address, entry);
    this.#add(entry);
  }

  #add(entry: Entry): void {
    entry.state = "Present";
    this.#snapshot();
    this.listener.memberAdded(entry.member);
  }

  /** Only called for a definitive answer that does not contain the member. */
  #missing(entry: Entry): void {
    const nowMs = this.#deps.clock.monotonic();
    entry.absentSinceMs ??= nowMs;
    const absentMs = nowMs - entry.absentSinceMs;
    if (entry.state === "Left" || absentMs >= MAX_ABSENCE_MS) {
      const wasMember = entry.state !== "Left";
      this.#entries.delete(entry.member.address);
      this.#snapshot();
      if (wasMember) this.listener.memberDisappeared(shuttingDown(entry.member));
    } else if (entry.state === "Present" && absentMs >= this.#options.expirationMs) {
      entry.state = "Absent";
      this.#snapshot();
      this.listener.memberDisappeared(entry.member);
    }
  }

  #snapshot(): void {
    this.#members = [...this.#entries.values()].filter((entry) => entry.state === "Present").map((entry) => entry.member);
  }

  #canonical(addresses: readonly string[]): Set<string> {
    if (addresses.length > MAX_MEMBERS) {
      this.#deps.logger.warn(
        { dnsName: this.#options.dnsName, addresses: addresses.length, used: MAX_MEMBERS },
        "DNS lists too many members",
      );
    }
    const listed = new Set<string>();
    for (const text of addresses.slice(0, MAX_MEMBERS)) {
      const bytes = addressBytes(text);
      if (bytes?.length === this.localMember.host.length) listed.add(addressText(bytes));
      else this.#deps.logger.warn({ dnsName: this.#options.dnsName, address: text }, "DNS lists an address that cannot be a member");
    }
    return listed;
  }
}

function identity(text: string, port: number): { address: string; port: number; uniqueId: Buffer } {
  const bytes = addressBytes(text);
  return { address: text, port, uniqueId: uniqueIdOf(bytes ? javaText(bytes) : text) };
}

/** As java.net.InetAddress prints it: IPv6 in eight groups without compression. */
function javaText(host: Buffer): string {
  if (host.length === 4) return addressText(host);
  return Array.from({ length: 8 }, (_, index) => host.readUInt16BE(index * 2).toString(16)).join(":");
}

/** Reported so, a disappearance is final: no failure detector asks the member. */
function shuttingDown(member: Member): Member {
  return createMember({ ...member, command: SHUTDOWN_COMMAND });
}
