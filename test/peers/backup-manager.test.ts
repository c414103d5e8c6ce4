// BackupManager's sessions in groups of real Apache Tomcats and workers of ours: two of each, and each kind killed in turn (ha.md 11).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ask, eventually, hit, routeIn } from "../support/session-requests.ts";
import { TestWorkers } from "../support/test-workers.ts";
import { GROUP_NAME, RealTomcat } from "../support/tomcat.ts";

const OURS = ["127.0.92.2", "127.0.92.3"] as const;
const JAVA = ["127.0.92.4", "127.0.92.5"] as const;
const MEMBERS = [...OURS, ...JAVA];

/** A server of either kind. */
interface Server {
  readonly name: string;
  readonly url: string;
  kill(): Promise<void>;
}

describe("sessions of a BackupManager, in two workers of ours and two real Tomcats", () => {
  let workers: TestWorkers;
  const tomcats: RealTomcat[] = [];
  let servers: Server[];

  before(async () => {
    workers = await TestWorkers.start({
      addresses: OURS,
      groupAddresses: MEMBERS,
      groupName: GROUP_NAME,
      channelSendOptions: 6,
      manager: "BackupManager",
    });
    for (const [index, address] of JAVA.entries()) {
      const tomcat = new RealTomcat({
        ...{ name: `tomcat-${index}`, address, httpPort: 8080, receiverPort: 4000, members: MEMBERS },
        ...{ channelSendOptions: 6, heartbeatMs: 1000, manager: "BackupManager" },
      });
      tomcats.push(tomcat);
      await tomcat.start();
    }
    await workers.membersSeen(3);
    servers = [
      ...OURS.map((_, index) => ({ name: `worker-${index}`, url: workers.url(index), kill: async () => workers.kill(index, "SIGKILL") })),
      ...tomcats.map((tomcat, index) => ({ name: `tomcat-${index}`, url: tomcat.url, kill: () => tomcat.stop("SIGKILL") })),
    ];
    // Members hear by and by which others have the map.
    await eventually(pairsThatShare, (count) => count === servers.length * (servers.length - 1));
  });

  /** How many servers find sessions of how many others. */
  async function pairsThatShare(): Promise<number> {
    let count = 0;
    for (const first of servers) {
      for (const other of servers) {
        if (other !== first && (await hit(other.url, (await hit(first.url)).cookie)).n === 2) count++;
      }
    }
    return count;
  }

  const isSession = (text: string) => text !== "no session";

  after(async () => {
    for (const tomcat of tomcats) await tomcat.stop();
    await workers?.stop();
  });

  it("are found, taken over and changed by every server, which takes their values for the same classes", async () => {
    for (const [index, first] of servers.entries()) {
      let { cookie } = await ask(first.url, "op=set&k=k&v=linkedmap");
      const others = [...servers.slice(index + 1), ...servers.slice(0, index)];
      for (const next of others) {
        const answer = await ask(next.url, "op=get&k=k", cookie);
        assert.equal(routeIn(answer.text), next.name);
        assert.match(answer.text, /shop.*apple.*pear/);
        cookie = (await hit(next.url, answer.cookie)).cookie;
        await hit(next.url, cookie);
      }
      assert.equal((await hit(first.url, cookie)).n, 2 * others.length + 1);
    }
  });

  it("are gone everywhere when one server ends them", async () => {
    for (const [index, first] of servers.entries()) {
      const { cookie } = await hit(first.url);
      const last = servers[(index + 2) % servers.length]!;
      const taken = (await hit(last.url, cookie)).cookie;
      await ask(last.url, "op=kill", taken);
      for (const { url } of servers) assert.equal((await ask(url, "op=peek&k=n", taken)).text, "no session");
    }
  });

  it("keep every counted request when one server after the other is killed, first ours, then a Tomcat (rules 8, 16)", async () => {
    let cookies = await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        const { url } = servers[index % servers.length]!;
        const { cookie } = await hit(url);
        return (await hit(url, cookie)).cookie;
      }),
    );
    let expected = 3;
    for (const victim of [0, 2]) {
      await servers[victim]!.kill();
      const left = servers.filter((_, index) => index !== 0 && (victim === 0 || index !== victim));
      const next: string[] = [];
      for (const [index, cookie] of cookies.entries()) {
        const { name, url } = left[index % left.length]!;
        // A Tomcat asks the backup alone, which may be the one that was killed, until it hears of another; ours ask whoever has the session.
        if (name.startsWith("tomcat")) await eventually(async () => (await ask(url, "op=peek&k=n", cookie)).text, isSession);
        const counted = await hit(url, cookie);
        assert.equal(counted.n, expected, `session ${index} at ${url} after server ${victim} was killed`);
        next.push(counted.cookie);
      }
      cookies = next;
      expected++;
    }
  });
});
