// Channels of ours and of real Apache Tomcats 10.1 that find one another, by each membership that both have.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ComponentConfig, MembershipConfig, MulticastMembershipConfig, StaticMemberConfig } from "../../src/config/index.ts";
import { ChannelCluster, failureDetector, interceptorConfig, messageDispatch, type TestChannel } from "../support/channel-cluster.ts";
import { JavaMembership } from "../support/java-membership.ts";

const OURS = ["127.0.89.2", "127.0.89.3"] as const;
const JAVA = ["127.0.89.4", "127.0.89.5"] as const;
const PORT = 4000;

interface Kind {
  /** Of the member at this address; a member goes after `silenceMs`. */
  ours(address: string, silenceMs: number): { readonly membership: MembershipConfig; readonly interceptors?: readonly ComponentConfig[] };
  java(address: string, silenceMs: number): readonly string[];
}

function staticMember(host: string): StaticMemberConfig {
  const bytes = idOf(host).map((byte) => (byte << 24) >> 24);
  return {
    ...{ host, port: PORT, securePort: -1, udpPort: -1, domain: "east", uniqueId: `{${bytes.join(",")}}` },
    location: { file: "server.xml", line: 1, column: 1 },
  };
}

function idOf(host: string): readonly number[] {
  return [...new Array<number>(15).fill(0xa5), Number(host.split(".")[3])];
}

function javaMember(host: string): string {
  return `member,host=${host},port=${PORT},domain=east,uniqueId=${Buffer.from(idOf(host)).toString("hex")}`;
}

const MULTICAST = "228.0.89.4";
/** Of its own, so that two runs on one machine do not meet. */
const MULTICAST_PORT = 40_000 + (process.pid % 20_000);

function multicast(options: Partial<MulticastMembershipConfig> = {}): MulticastMembershipConfig {
  return {
    ...{ type: "Multicast", address: MULTICAST, port: MULTICAST_PORT, bind: "127.0.0.1", ttl: 0 },
    ...{ frequencyMs: 100, dropTimeMs: 1000, soTimeoutMs: 100, localLoopbackDisabled: false, domain: "east", payload: "" },
    ...{ recoveryEnabled: true, recoveryCounter: 10, recoverySleepMs: 5000 },
    ...options,
  };
}

const KINDS: Readonly<Record<string, Kind>> = {
  StaticMembershipService: {
    ours: (_address, silenceMs) => ({
      membership: {
        ...{ type: "Static", membershipName: "shop-Channel-StaticMembership", members: [...OURS, ...JAVA].map(staticMember) },
        ...{ expirationMs: silenceMs, connectTimeoutMs: 500, rpcTimeoutMs: 3000 },
      },
    }),
    java: (_address, silenceMs) => [`StaticMembershipService,expirationTime=${silenceMs}`, ...[...OURS, ...JAVA].map(javaMember)],
  },
  McastService: {
    ours: (address, silenceMs) => ({ membership: multicast({ payload: `of ${address}`, dropTimeMs: silenceMs }) }),
    java: (address, silenceMs) => [
      `McastService,address=${MULTICAST},port=${MULTICAST_PORT},bind=127.0.0.1,ttl=0,frequency=100,dropTime=${silenceMs},domain=east`,
      `payload=of_${address}`,
    ],
  },
  StaticMembershipInterceptor: {
    ours: () => {
      const staticMembers = { members: [...OURS, ...JAVA].map(staticMember) };
      const members = { ...interceptorConfig("StaticMembershipInterceptor"), staticMembers };
      return { membership: { type: "None" }, interceptors: [messageDispatch(), failureDetector(), members] };
    },
    java: (address) => {
      const others = [...OURS, ...JAVA].filter((other) => other !== address);
      return ["StaticMembershipInterceptor", ...others.map(javaMember), javaMember(address).replace("member", "localMember")];
    },
  },
};

class Group {
  readonly ours: TestChannel[] = [];
  readonly java: JavaMembership[] = [];
  readonly #kind: Kind;
  readonly #silenceMs: number;
  readonly #cluster = new ChannelCluster(PORT);

  constructor(kind: Kind, silenceMs: number) {
    this.#kind = kind;
    this.#silenceMs = silenceMs;
  }

  /** One of ours and one of theirs in turn, until there are `pairs` of each. */
  async start(pairs: number): Promise<void> {
    for (let index = 0; index < pairs; index++) {
      this.ours.push(await this.startOurs(index));
      this.java.push(await this.startJava(index));
    }
    await this.complete(pairs);
  }

  startOurs(index: number): Promise<TestChannel> {
    const address = OURS[index]!;
    return this.startWith(address, this.#kind.ours(address, this.#silenceMs));
  }

  startWith(address: string, options: ReturnType<Kind["ours"]>): Promise<TestChannel> {
    return this.#cluster.start(address, { ...options, heartbeatSleepMs: 500 });
  }

  startJava(index: number): Promise<JavaMembership> {
    return JavaMembership.start(JAVA[index]!, PORT, this.#kind.java(JAVA[index]!, this.#silenceMs));
  }

  /** Resolves when every one of ours has all others for members and knows their kind, and every one of theirs has had all of ours. */
  async complete(pairs: number): Promise<void> {
    for (const [index, node] of this.ours.entries()) {
      const others = [...OURS.slice(0, pairs), ...JAVA.slice(0, pairs)].filter((address) => address !== OURS[index]);
      const known = () => node.channel.describe().members.filter(({ kind }) => kind !== undefined).length;
      await node.until(() => others.every((address) => node.addresses.includes(address)) && known() === others.length, "all are members");
    }
    for (const tomcat of this.java) {
      await tomcat.until("it has found ours", () =>
        OURS.slice(0, pairs).every((address) => tomcat.added.some((line) => line.includes(address))),
      );
    }
  }

  async stopOurs(index: number, goodbye: boolean): Promise<void> {
    await this.#cluster.stop(this.ours[index]!, { goodbye });
  }

  async end(): Promise<void> {
    await this.#cluster.stopAll();
    await Promise.all(this.java.map((tomcat) => tomcat.kill()));
  }
}

const SILENCE_MS = 1500;
/** Whoever goes within a test has said good-bye. */
const FOR_EVER_MS = 3_600_000;

async function together(kind: Kind, pairs: number, act: (group: Group) => Promise<void>, silenceMs = SILENCE_MS): Promise<void> {
  const group = new Group(kind, silenceMs);
  try {
    await group.start(pairs);
    await act(group);
  } finally {
    await group.end();
  }
}

describe("McastService, with a real Tomcat, beside what is for all", () => {
  it("shows payloads", () =>
    together(KINDS.McastService!, 1, async ({ ours: [node], java: [tomcat] }) => {
      assert.equal(node?.member(JAVA[0]).payload.toString(), `of_${JAVA[0]}`);
      assert.match(tomcat?.added[0] ?? "", new RegExp(` of ${OURS[0]}$`));
    }));

  it("carries messages to the whole group, both ways", () =>
    together(KINDS.McastService!, 2, async ({ ours, java }) => {
      const message = { kind: "Bytes", body: Buffer.from("ours") } as const;
      const options = { acknowledge: "None", asynchronous: false, carrier: "Multicast" } as const;
      await ours[0]!.channel.send(ours[0]!.channel.members, message, options);
      java[0]!.send(64, "theirs");
      await ours[1]!.until(() => ours[1]!.received.length === 2, "another of ours has both");
      await java[1]!.until("another Tomcat has both", () => java[1]!.received.length === 2);
      assert.deepEqual([ours[0]!.received, java[0]!.received], [["theirs"], ["ours"]], "and nobody its own");
    }));

  it("does not meet a group of another port", () =>
    together(KINDS.McastService!, 1, async (group) => {
      const elsewhere = await group.startWith(OURS[1], { membership: multicast({ port: MULTICAST_PORT + 1 }) });
      assert.deepEqual([elsewhere.addresses, group.ours[0]!.addresses], [[], [JAVA[0]]]);
    }));
});

for (const [name, kind] of Object.entries(KINDS)) {
  describe(`${name}, with real Tomcats`, () => {
    it("finds them and is found, two of each, and messages go both ways", () =>
      together(kind, 2, async ({ ours, java }) => {
        for (const tomcat of java) tomcat.send(6, "theirs");
        for (const node of ours) {
          const body = Buffer.from("ours");
          await node.channel.send(node.channel.members, { kind: "Bytes", body }, { acknowledge: "Processed", asynchronous: false });
        }
        for (const node of ours) {
          await node.until(() => node.received.length === 3, "it has a message of each other");
          assert.deepEqual([...node.received].sort(), ["ours", "theirs", "theirs"]);
        }
        for (const tomcat of java) await tomcat.until("it has a message of each other", () => tomcat.received.length === 3);
      }));

    it("shows domains", () =>
      together(kind, 1, async ({ ours: [node], java: [tomcat] }) => {
        assert.equal(node?.member(JAVA[0]).domain.toString(), "east");
        assert.match(tomcat?.added[0] ?? "", / east /);
      }));

    it("lets both know of a good-bye", () =>
      together(
        kind,
        2,
        async (group) => {
          const { ours, java } = group;
          await java[1]?.leave();
          // One that merely did not answer would be suspect.
          const known = () => ours[0]?.channel.describe().members.some(({ name }) => name.includes(JAVA[1]));
          await ours[0]?.until(() => !known(), "a Tomcat's good-bye");
          await group.stopOurs(1, true);
          await java[0]?.until("our good-bye", () => java[0]?.disappeared.some((line) => line.includes(OURS[1])) ?? false);
        },
        FOR_EVER_MS,
      ));

    it("lets ours know of a Tomcat that has died", () =>
      together(kind, 1, async ({ ours: [node], java: [tomcat] }) => {
        await tomcat?.kill();
        await node?.until(() => node.addresses.length === 0, "it has gone");
      }));

    it("lets a Tomcat know of ours that has died without a word, and finds it again", () =>
      together(kind, 1, async (group) => {
        const [tomcat] = group.java;
        await group.stopOurs(0, false);
        await tomcat?.until("it has gone", () => tomcat.disappeared.length === 1);
        group.ours[0] = await group.startOurs(0);
        await group.complete(1);
        await tomcat?.until("it is back", () => tomcat.added.length === 2);
      }));
  });
}
