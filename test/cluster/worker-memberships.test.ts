// Workers that find each other without DNS, as processes: all start together, one is killed, one comes back (rules 3 to 6, 18).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLASS_NAMES } from "../../src/config/class-names.ts";
import { TestWorkers } from "../support/test-workers.ts";

const MULTICAST_PORT = 20_000 + (process.pid % 20_000);

interface Membership {
  readonly subnet: number;
  /** Of the Cluster. */
  readonly attributes?: string;
  /** In the Channel, `members` being the Member elements of all. */
  channel(members: string): string;
}

const STACK = [CLASS_NAMES.messageDispatchInterceptor, CLASS_NAMES.tcpFailureDetector]
  .map((className) => `<Interceptor className="${className}"/>`)
  .join("");

const MEMBERSHIPS: Readonly<Record<string, Membership>> = {
  McastService: {
    subnet: 188,
    channel: () =>
      `<Membership className="${CLASS_NAMES.mcastService}" port="${MULTICAST_PORT}" bind="127.0.0.1" ttl="0" frequency="200" dropTime="1500"/>`,
  },
  StaticMembershipService: {
    subnet: 189,
    channel: (members) =>
      `<Membership className="${CLASS_NAMES.staticMembershipService}" useThread="true" expirationTime="2000">${members}</Membership>`,
  },
  StaticMembershipInterceptor: {
    subnet: 192,
    attributes: 'channelStartOptions="3"',
    channel: (members) => `${STACK}<Interceptor className="${CLASS_NAMES.staticMembershipInterceptor}">${members}</Interceptor>`,
  },
};

function serverXml({ attributes = "", channel }: Membership, addresses: readonly string[]): string {
  const members = addresses.map((address, index) => {
    const uniqueId = `{${new Array<number>(16).fill(index).join(",")}}`;
    return `<Member className="${CLASS_NAMES.staticMember}" host="${address}" port="4000" uniqueId="${uniqueId}"/>`;
  });
  return `<Server port="-1">
  <Service name="Catalina">
    <Connector port="8080" address="\${POD_IP}"/>
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="\${POD_NAME}">
      <Cluster className="${CLASS_NAMES.simpleTcpCluster}" channelSendOptions="6" ${attributes}>
        <Channel className="${CLASS_NAMES.groupChannel}" heartbeatSleeptime="1000">
          <Receiver className="${CLASS_NAMES.nioReceiver}" address="\${POD_IP}" port="4000" autoBind="1"/>
          ${channel(members.join(""))}
        </Channel>
      </Cluster>
      <Host name="localhost" appBase="webapps"/>
    </Engine>
  </Service>
</Server>`;
}

async function hit(workers: TestWorkers, index: number, cookie?: string): Promise<{ readonly n: number; readonly cookie: string }> {
  const answer = await fetch(`${workers.url(index)}/hit`, cookie === undefined ? {} : { headers: { cookie } });
  assert.equal(answer.status, 200);
  const { n, sessionId } = (await answer.json()) as { n: number; sessionId: string };
  return { n, cookie: `JSESSIONID=${sessionId}` };
}

describe("workers without DNS", () => {
  for (const [name, membership] of Object.entries(MEMBERSHIPS)) {
    it(`${name}: become ready together, share sessions, do without one that is killed, and give it the state when it is back`, async () => {
      const addresses = [1, 2, 3].map((host) => `127.0.${membership.subnet}.${host}`);
      const workers = await TestWorkers.start({
        ...{ addresses, groupAddresses: [], groupName: "unused.test" },
        serverXml: () => serverXml(membership, addresses),
      });
      try {
        await workers.membersSeen(2);
        const first = await hit(workers, 0);
        assert.deepEqual((await hit(workers, 1, first.cookie)).n, 2);
        workers.kill(0, "SIGKILL");
        const alive = async () => (await workers.cluster(1)).members.filter(({ state }) => state === "Alive").length;
        await workers.eventually(alive, (count) => count === 1);
        assert.deepEqual((await hit(workers, 2, first.cookie)).n, 3);
        await workers.launch(0);
        const [manager] = (await workers.cluster(0)).managers;
        assert.deepEqual([manager?.sessions, manager?.stateTransferred], [1, true]);
        assert.deepEqual((await hit(workers, 0, first.cookie)).n, 4);
        await workers.end(2);
        await workers.eventually(alive, (count) => count === 1);
      } finally {
        await workers.stop();
      }
    });
  }
});
