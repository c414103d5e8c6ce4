// Leader election among channels of ours and of real Apache Tomcats 10.1.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MulticastMembershipConfig } from "../../src/config/index.ts";
import { ChannelCluster, failureDetector, interceptorConfig, messageDispatch, type TestChannel } from "../support/channel-cluster.ts";
import { JavaMembership } from "../support/java-membership.ts";

const PORT = 4000;
/** Each is the first of all in one of the tests. */
const [OURS, JAVA] = [
  ["127.0.90.3", "127.0.90.5"],
  ["127.0.90.2", "127.0.90.4"],
] as const;
/** Of its own, so that two runs on one machine do not meet. A Tomcat's coordinator starts the membership service whatever it is told. */
const GROUP = { address: "228.0.90.4", port: 40_000 + (process.pid % 20_000), bind: "127.0.0.1", ttl: 0 };
const MEMBERSHIP: MulticastMembershipConfig = {
  ...{ type: "Multicast", ...GROUP, frequencyMs: 100, dropTimeMs: 1500, soTimeoutMs: 100, localLoopbackDisabled: false },
  ...{ recoveryEnabled: true, recoveryCounter: 10, recoverySleepMs: 5000, domain: "", payload: "" },
};

class Group {
  readonly #kind: string;
  readonly #cluster = new ChannelCluster(PORT);
  readonly #java = new Map<string, JavaMembership>();
  readonly #ours = new Map<string, TestChannel>();

  constructor(kind: string) {
    this.#kind = kind;
  }

  async start(address: string): Promise<void> {
    if (OURS.some((ours) => ours === address)) {
      const interceptors = [interceptorConfig(this.#kind), messageDispatch(), failureDetector()];
      this.#ours.set(address, await this.#cluster.start(address, { interceptors, membership: MEMBERSHIP, heartbeatSleepMs: 500 }));
    } else {
      const attributes = Object.entries({ ...GROUP, frequency: 100, dropTime: 1500 }).map(([name, value]) => `${name}=${value}`);
      const membership = ["McastService", ...attributes].join(",");
      this.#java.set(address, await JavaMembership.start(address, PORT, [this.#kind, membership]));
    }
  }

  /** Resolves when all that run have this view, the leader first. */
  async agreed(...view: readonly string[]): Promise<void> {
    const names = view.map((address) => `tcp://${address}:${PORT}`);
    for (const [address, node] of this.#ours) {
      const coordination = () => node.channel.describe().coordination;
      await node.until(() => coordination()?.view.join() === names.join(), `${address} has the view ${names.join(", ")}`);
      assert.deepEqual([coordination()?.coordinator, coordination()?.isCoordinator], [names[0], address === view[0]]);
    }
    for (const tomcat of this.#java.values()) await tomcat.viewed(view);
  }

  async leave(address: string): Promise<void> {
    await this.#java.get(address)?.leave();
    const node = this.#ours.get(address);
    if (node) await this.#cluster.stop(node);
    this.#forget(address);
  }

  async kill(address: string): Promise<void> {
    await this.#java.get(address)?.kill();
    this.#forget(address);
  }

  async end(): Promise<void> {
    await this.#cluster.stopAll();
    await Promise.all([...this.#java.values()].map((tomcat) => tomcat.kill()));
  }

  #forget(address: string): void {
    this.#java.delete(address);
    this.#ours.delete(address);
  }
}

for (const kind of ["NonBlockingCoordinator", "SimpleCoordinator"]) {
  describe(`${kind}, with real Tomcats`, () => {
    it("agrees with them on the view, whoever leads and whoever leaves or dies", async () => {
      const group = new Group(kind);
      try {
        await group.start(OURS[1]);
        await group.agreed(OURS[1]);
        await group.start(JAVA[1]);
        await group.agreed(JAVA[1], OURS[1]);
        await group.start(OURS[0]);
        await group.agreed(OURS[0], JAVA[1], OURS[1]);
        await group.start(JAVA[0]);
        await group.agreed(JAVA[0], OURS[0], JAVA[1], OURS[1]);
        await group.leave(JAVA[0]);
        await group.agreed(OURS[0], JAVA[1], OURS[1]);
        await group.leave(OURS[0]);
        await group.agreed(JAVA[1], OURS[1]);
        await group.kill(JAVA[1]);
        await group.agreed(OURS[1]);
      } finally {
        await group.end();
      }
    });
  });
}
