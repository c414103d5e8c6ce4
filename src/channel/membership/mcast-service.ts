// Members announce themselves to a multicast group (Tomcat: McastService; tribes.md 11.1).
import { asError, type Clock, delay, type Logger, type Random, type Timer } from "../../base/index.ts";
import type { ChannelMessage, Member, MembershipListener, ReceiverPorts } from "../channel.ts";
import { DatagramTooLargeError, MalformedMessageError } from "../errors.ts";
import { randomUuid } from "../uuid.ts";
import { ChannelDataDecoder, encodeChannelData } from "../wire/channel-data.ts";
import { FrameDecoder } from "../wire/frame.ts";
import { isLoopback, isLoopbackText } from "../wire/ip-address.ts";
import { createMember, decodeMember, encodeMember, isMemberBlock, isShutdown, SHUTDOWN_COMMAND } from "../wire/member-block.ts";
import { AddressWaits } from "./address-waits.ts";
import { placeOf } from "./configured-member.ts";
import type { GroupMembership } from "./group-membership.ts";
import { type DatagramSockets, GroupSocket, type GroupSocketOptions } from "./group-socket.ts";

export interface McastServiceDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  /** Default: those of node:dgram. */
  readonly datagrams?: DatagramSockets;
  /** Takes what members send to the whole group. */
  readonly onMessage: (message: ChannelMessage) => void | Promise<void>;
}

export interface McastServiceOptions extends GroupSocketOptions {
  /** From one announcement to the next; default 500. */
  readonly frequencyMs: number;
  /** Silence after which a member goes; default 3000. */
  readonly dropTimeMs: number;
  /** From one look for silent members to the next; default `frequencyMs`. */
  readonly soTimeoutMs: number;
  readonly domain: Buffer;
  readonly payload: Buffer;
}

interface Entry {
  /** As first announced, with the payload and the alive time of the last announcement. */
  member: Member;
  heardMs: number;
}

/** Of a datagram over IPv4. */
const MAX_DATAGRAM_BYTES = 65_507;
/** Anybody on the network can announce members. */
const MAX_MEMBERS = 1000;

/**
 * Whoever announces itself is a member: there is no authentication but that of the messages (EncryptInterceptor), and where the network
 * carries no multicast there are no members. A member that was not heard because this process stood still is not taken for silent.
 */
export class McastService implements GroupMembership {
  listener: MembershipListener = { memberAdded: () => undefined, memberDisappeared: () => undefined };
  readonly #deps: McastServiceDeps;
  readonly #options: McastServiceOptions;
  readonly #socket: GroupSocket;
  /** By key. */
  readonly #entries = new Map<string, Entry>();
  readonly #waits: AddressWaits;
  readonly #decoder = new ChannelDataDecoder();
  #local: Member | undefined;
  #startedMs = 0;
  #complete = false;
  #echoed = false;
  #lookedMs = 0;
  #announcing: Timer | undefined;
  #looking: Timer | undefined;

  constructor(deps: McastServiceDeps, options: McastServiceOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#socket = new GroupSocket({ ...deps, onDatagram: (bytes) => this.#receive(bytes) }, options);
    this.#waits = new AddressWaits(deps.clock, options.dropTimeMs);
  }

  /** Valid after `start` was called; with an id of its own for each start. */
  get localMember(): Member {
    return this.#local!;
  }

  /** The oldest first. */
  get members(): readonly Member[] {
    return [...this.#entries.values()].sort((one, other) => bornMs(one) - bornMs(other)).map((entry) => entry.member);
  }

  /** Known when every member has had the time to be heard, and the own announcements have come back: what others say can be heard then. */
  get listsLocalMember(): boolean | undefined {
    return this.#complete && (this.#echoed || this.#options.localLoopbackDisabled) ? true : undefined;
  }

  /** Rejects with MulticastFailedError. */
  async check(): Promise<void> {
    this.#socket.check();
  }

  /** As a Tomcat: listens for two periods, and announces itself for two more before it counts as started. */
  async start({ address, port, udpPort = -1, securePort = -1 }: ReceiverPorts): Promise<void> {
    const { clock, random, logger } = this.#deps;
    const { domain, payload, frequencyMs, soTimeoutMs, localLoopbackDisabled } = this.#options;
    this.#local = createMember({ address, port, udpPort, securePort, domain, payload, uniqueId: randomUuid(random), aliveTimeMs: 0 });
    this.#startedMs = clock.monotonic();
    this.#lookedMs = this.#startedMs;
    await this.#socket.start();
    this.#looking = clock.setInterval(() => this.#dropSilent(), soTimeoutMs);
    await delay(clock, 2 * frequencyMs);
    this.#announce();
    this.#announce();
    this.#announcing = clock.setInterval(() => this.#announce(), frequencyMs);
    await delay(clock, 2 * frequencyMs);
    this.#complete = true;
    if (this.#echoed || localLoopbackDisabled) return;
    logger.warn({ bind: this.#options.bind }, "Own announcements do not come back: does this interface carry multicast?");
  }

  /** The last announcement. */
  async sayGoodbye(): Promise<void> {
    this.#announcing?.cancel();
    await this.#say(SHUTDOWN_COMMAND);
  }

  async stop(): Promise<void> {
    this.#announcing?.cancel();
    this.#looking?.cancel();
    this.#waits.end();
    await this.#socket.stop();
  }

  heartbeat(): void {
    // Announcements have a timer of their own.
  }

  /** Among loopback addresses that of a connection proves nothing: then only the member block counts (`messageFrom`). */
  isKnown(address: string): boolean {
    if (this.#local !== undefined && isLoopback(this.#local.host) && isLoopbackText(address)) return true;
    for (const { member } of this.#entries.values()) if (member.address === address) return true;
    return false;
  }

  /** Waits for as long as a member may be silent: who has heard us already may speak before it is heard. */
  async admit(address: string): Promise<boolean> {
    return this.isKnown(address) || this.#waits.until(address);
  }

  messageFrom(sender: Member): Member | undefined {
    const entry = this.#entries.get(sender.key);
    if (entry === undefined) return undefined;
    if (!isShutdown(sender)) return entry.member;
    this.#remove(entry, SHUTDOWN_COMMAND);
    return undefined;
  }

  async broadcast(message: ChannelMessage): Promise<void> {
    const frame = encodeChannelData(message);
    if (frame.length > MAX_DATAGRAM_BYTES) throw new DatagramTooLargeError(frame.length, MAX_DATAGRAM_BYTES);
    await this.#socket.send(frame);
  }

  #announce(): void {
    void this.#say();
  }

  /** What fails is counted, and told, by the socket. */
  async #say(command?: Buffer): Promise<void> {
    const aliveTimeMs = Math.round(this.#deps.clock.monotonic() - this.#startedMs);
    const member = createMember({ ...this.localMember, aliveTimeMs, ...(command === undefined ? {} : { command }) });
    await this.#socket.send(encodeMember(member)).catch((error: unknown) => {
      this.#deps.logger.debug({ err: asError(error) }, "Announcement was not sent");
    });
  }

  #receive(datagram: Buffer): void {
    try {
      if (isMemberBlock(datagram)) this.#heard(decodeMember(datagram));
      else this.#deliver(datagram);
    } catch (error) {
      this.#deps.logger.debug({ err: asError(error) }, "A datagram of the group cannot be read");
    }
  }

  /** What members send to the group. Strangers, and this member itself, are not heard. */
  #deliver(datagram: Buffer): void {
    const frames = new FrameDecoder(MAX_DATAGRAM_BYTES);
    frames.push(datagram);
    for (let body = frames.next(); body; body = frames.next()) {
      const message = this.#decoder.decode(body);
      if (!this.#entries.has(message.address.key)) continue;
      const refused = (error: unknown) =>
        this.#deps.logger.debug({ err: asError(error), sender: message.address.name }, "A message to the group was refused");
      void Promise.resolve(message).then(this.#deps.onMessage).catch(refused);
    }
    if (frames.bufferedBytes > 0) throw new MalformedMessageError("A datagram ends within a frame");
  }

  #heard(member: Member): void {
    if (placeOf(member) === placeOf(this.localMember)) {
      if (member.key === this.localMember.key) this.#echoed = true;
      return;
    }
    const known = this.#entries.get(member.key);
    if (isShutdown(member)) {
      if (known) this.#remove(known, SHUTDOWN_COMMAND);
    } else if (known === undefined) this.#appear(member);
    else {
      known.heardMs = this.#deps.clock.monotonic();
      known.member = member;
    }
  }

  #appear(member: Member): void {
    // A process that listens where another one did has taken its place, whether or not that one has said good-bye.
    for (const entry of [...this.#entries.values()]) if (placeOf(entry.member) === placeOf(member)) this.#remove(entry, SHUTDOWN_COMMAND);
    if (this.#entries.size >= MAX_MEMBERS) {
      this.#deps.logger.warn({ member: member.name, members: MAX_MEMBERS }, "Too many members announce themselves: this one is not taken");
      return;
    }
    this.#entries.set(member.key, { member, heardMs: this.#deps.clock.monotonic() });
    this.#waits.found(member.address);
    this.listener.memberAdded(member);
  }

  /** Rule 3. Where this process has stood still, what the others said waits in its socket. */
  #dropSilent(): void {
    const { dropTimeMs, soTimeoutMs } = this.#options;
    const nowMs = this.#deps.clock.monotonic();
    const stoodStill = nowMs - this.#lookedMs >= 2 * soTimeoutMs;
    this.#lookedMs = nowMs;
    if (stoodStill) return;
    for (const entry of [...this.#entries.values()]) if (nowMs - entry.heardMs > dropTimeMs) this.#remove(entry);
  }

  /** With the shutdown command it is final: nobody asks the member. */
  #remove(entry: Entry, command?: Buffer): void {
    this.#entries.delete(entry.member.key);
    this.listener.memberDisappeared(command === undefined ? entry.member : createMember({ ...entry.member, command }));
  }
}

function bornMs({ member, heardMs }: Entry): number {
  return heardMs - member.aliveTimeMs;
}
