// The neighbours of one layer of a channel under test: they note what reaches them and answer as they are told.
import { Registry } from "../../src/base/index.ts";
import type {
  ChannelMessage,
  ChannelReceiver,
  ChannelSender,
  Member,
  MembershipListener,
  MembershipService,
} from "../../src/channel/channel.ts";
import { ChannelMetrics } from "../../src/channel/channel-metrics.ts";
import type { LayerAbove, LayerBelow } from "../../src/channel/interceptor.ts";
import { createMember } from "../../src/channel/wire/member-block.ts";

export function testMember(lastByte: number, port = 4000): Member {
  return createMember({ address: `127.0.9.${lastByte}`, port });
}

export function testMessage(fields: Partial<ChannelMessage> = {}): ChannelMessage {
  return {
    options: 1,
    timestamp: 1_700_000_000_000,
    uniqueId: Buffer.alloc(16, 7),
    address: testMember(1),
    body: Buffer.from("body"),
    ...fields,
  };
}

export function testMetrics(): ChannelMetrics {
  return new ChannelMetrics(new Registry());
}

export class RecordingAbove implements LayerAbove {
  /** "added 127.0.9.2", "disappeared 127.0.9.2", in order. */
  readonly events: string[] = [];
  readonly messages: ChannelMessage[] = [];
  readonly failures: Error[] = [];

  messageReceived(message: ChannelMessage): void {
    this.messages.push(message);
  }

  sendFailed(error: Error): void {
    this.failures.push(error);
  }

  memberAdded(member: Member): void {
    this.events.push(`added ${member.address}`);
  }

  memberDisappeared(member: Member): void {
    this.events.push(`disappeared ${member.address}`);
  }
}

export class RecordingBelow implements LayerBelow {
  readonly localMember: Member = testMember(1);
  members: readonly Member[] = [];
  readonly suspects: readonly Member[] = [];
  listsLocalMember: boolean | undefined = true;
  readonly sent: { destinations: readonly Member[]; message: ChannelMessage }[] = [];
  heartbeats = 0;
  /** Who was told that the local member goes. */
  readonly goodbyes: Member[] = [];
  /** Whether it can ask members, as a failure detector, and how often it was told to. */
  checksMembers = false;
  memberChecks = 0;
  /** What the next sends return. */
  send: (message: ChannelMessage) => Promise<void> = () => Promise.resolve();

  sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    this.sent.push({ destinations, message });
    return this.send(message);
  }

  heartbeat(): void {
    this.heartbeats++;
  }

  async sayGoodbye(members: readonly Member[]): Promise<void> {
    this.goodbyes.push(...members);
  }

  checkMembers(): boolean {
    this.memberChecks++;
    return this.checksMembers;
  }
}

/** A transport and a membership without network, for a whole stack; `log` tells the order of what was started and stopped. */
export class RecordingFloor {
  readonly log: string[] = [];
  readonly sent: { destinations: readonly Member[]; message: ChannelMessage }[] = [];
  readonly removed: string[] = [];
  send: (message: ChannelMessage) => Promise<void> = () => Promise.resolve();
  readonly sender: ChannelSender;
  readonly receiver: ChannelReceiver;
  readonly membership: MembershipService & { known: Member[] };

  constructor() {
    const floor = this;
    const noted = (what: string) => async () => void floor.log.push(what);
    this.sender = {
      start: noted("sender started"),
      stop: noted("sender stopped"),
      sendMessage(destinations, message) {
        floor.sent.push({ destinations, message });
        return floor.send(message);
      },
      remove: (member) => void floor.removed.push(member.address),
      heartbeat: () => void floor.log.push("sender heartbeat"),
    };
    this.receiver = {
      address: "127.0.9.1",
      port: 4000,
      start: noted("receiver started"),
      stop: noted("receiver stopped"),
      onMessage: () => undefined,
    };
    this.membership = {
      localMember: testMember(1),
      members: [],
      listsLocalMember: true,
      known: [],
      listener: undefined as unknown as MembershipListener,
      start: noted("membership started"),
      stop: noted("membership stopped"),
      messageFrom: (sender) => this.membership.known.find((member) => member.address === sender.address),
      heartbeat: () => void floor.log.push("membership heartbeat"),
    };
  }

  /** As if the membership had found it. */
  add(member: Member): void {
    this.membership.known.push(member);
    this.membership.listener.memberAdded(member);
  }
}
