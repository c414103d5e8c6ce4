// Whole channels in one process on a network in memory, in virtual time: the product's own stack and transport, each at its address.
import { Registry } from "../../src/base/index.ts";
import { type CreateChannelDeps, createChannel } from "../../src/channel/create-channel.ts";
import type { GroupChannel } from "../../src/channel/index.ts";
import type { ChannelConfig } from "../../src/config/index.ts";
import { channelConfig } from "./channel-cluster.ts";
import { MemoryGroup } from "./memory-group.ts";
import { MemoryLog } from "./memory-log.ts";
import { type Absence, type MemoryHost, MemorySockets } from "./memory-sockets.ts";
import { SeededRandom } from "./seeded-random.ts";
import { ProcessClock, VirtualTime } from "./virtual-time.ts";

export class VirtualChannel {
  readonly channel: GroupChannel;
  readonly host: MemoryHost;
  readonly #clock: ProcessClock;
  readonly log = new MemoryLog();
  /** "added 10.0.0.2", "disappeared 10.0.0.2". */
  readonly events: string[] = [];
  readonly received: string[] = [];

  constructor(host: MemoryHost, clock: ProcessClock, deps: Pick<CreateChannelDeps, "random" | "datagrams">, config: ChannelConfig) {
    this.host = host;
    this.#clock = clock;
    this.channel = createChannel({ ...deps, clock, sockets: host.sockets, logger: this.log.logger, registry: new Registry() }, config);
    this.channel.addMembershipListener({
      memberAdded: (member) => void this.events.push(`added ${member.address}`),
      memberDisappeared: (member) => void this.events.push(`disappeared ${member.address}`),
    });
    this.channel.addChannelListener({
      accept: ({ kind }) => kind === "Bytes",
      messageReceived: ({ body }) => void this.received.push(body.toString()),
    });
  }

  get addresses(): readonly string[] {
    return this.channel.members.map((member) => member.address);
  }

  /** SIGSTOP: the kernel goes on accepting connections and bytes. */
  freeze(): void {
    this.#clock.freeze();
    this.host.freeze();
  }

  thaw(): void {
    this.#clock.thaw();
    this.host.thaw();
  }

  /** Nothing of it runs any more: see `VirtualChannels.kill`. */
  dead(): MemoryHost {
    this.#clock.kill();
    return this.host;
  }
}

export class VirtualChannels {
  readonly time = new VirtualTime();
  readonly random = new SeededRandom(1);
  readonly network = new MemorySockets(this.time, this.random);
  readonly group = new MemoryGroup(this.time);
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Not started. */
  create(address: string, config: Partial<ChannelConfig>): VirtualChannel {
    const defaults = channelConfig({ address, port: this.#port, heartbeatSleepMs: 5000 });
    const host = this.network.host(address);
    const deps = { random: this.random, datagrams: this.group.socketsOf(host) };
    return new VirtualChannel(host, new ProcessClock(this.time), deps, { ...defaults, ...config });
  }

  /** SIGKILL; what answers at its address from now on. */
  kill(node: VirtualChannel, absence: Absence): void {
    this.network.kill(node.dead(), absence);
  }

  /** Lets time pass until the promise has settled, for at most a minute. */
  async settled<Result>(promise: Promise<Result>): Promise<Result> {
    let open = true;
    const settled = promise.finally(() => {
      open = false;
    });
    settled.catch(() => undefined);
    await this.time.run(60_000, () => !open);
    return settled;
  }
}
