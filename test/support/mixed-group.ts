// One group of two workers of ours and a real Apache Tomcat, on loopback addresses or in a network that can be cut.
import type { NamespaceNetwork } from "./process-networks.ts";
import { TestWorkers } from "./test-workers.ts";
import { GROUP_NAME, RealTomcat } from "./tomcat.ts";

export interface MixedGroupOptions {
  readonly channelSendOptions: number;
  /** Two workers and the Tomcat, in this order. */
  readonly members: readonly string[];
  /** Where these addresses are, each in a namespace of its own; default: on loopback. Released by whoever made it. */
  readonly network?: NamespaceNetwork;
}

export class MixedGroup {
  readonly workers: TestWorkers;
  readonly #options: MixedGroupOptions;
  #tomcat: RealTomcat;

  private constructor(workers: TestWorkers, options: MixedGroupOptions) {
    this.workers = workers;
    this.#options = options;
    this.#tomcat = newTomcat(options);
  }

  /** Resolves when all see one another. */
  static async start(options: MixedGroupOptions): Promise<MixedGroup> {
    const { channelSendOptions, members, network } = options;
    const workers = await TestWorkers.start({
      addresses: members.slice(0, -1),
      groupAddresses: members,
      groupName: GROUP_NAME,
      channelSendOptions,
      ...(network ? { dnsAddress: network.hostAddress, launcher: (index: number) => network.commandPrefix(index) } : {}),
    });
    const group = new MixedGroup(workers, options);
    try {
      await group.#tomcat.start();
      await workers.membersSeen(members.length - 1);
    } catch (error) {
      await group.stop();
      throw error;
    }
    return group;
  }

  get tomcat(): RealTomcat {
    return this.#tomcat;
  }

  /** Another process in the Tomcat's place, which has nothing. */
  async replaceTomcat(): Promise<void> {
    await this.#tomcat.stop();
    this.#tomcat = newTomcat(this.#options);
    await this.#tomcat.start();
  }

  async stop(): Promise<void> {
    await this.#tomcat.stop();
    await this.workers.stop();
  }
}

function newTomcat({ channelSendOptions, members, network }: MixedGroupOptions): RealTomcat {
  return new RealTomcat({
    ...{ name: "java", address: members.at(-1)!, httpPort: 8080, receiverPort: 4000, members, channelSendOptions },
    ...(network ? { launcher: network.commandPrefix(members.length - 1) } : {}),
  });
}
