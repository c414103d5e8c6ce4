// A real Apache Tomcat 10.1 and two workers of ours: what each has after one of them was frozen (rules 3 and 11).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ask, eventually, held } from "../support/session-requests.ts";
import { TestWorkers } from "../support/test-workers.ts";
import { GROUP_NAME, RealTomcat } from "../support/tomcat.ts";

const MEMBERS = ["127.0.85.2", "127.0.85.3", "127.0.85.4"];
const JAVA = MEMBERS[2]!;

for (const channelSendOptions of [6, 8]) {
  describe(`a real Tomcat 10.1 and two workers of ours, channelSendOptions ${channelSendOptions}`, () => {
    let workers: TestWorkers;
    let tomcat: RealTomcat;

    before(async () => {
      workers = await TestWorkers.start({
        addresses: MEMBERS.slice(0, 2),
        groupAddresses: MEMBERS,
        groupName: GROUP_NAME,
        channelSendOptions,
      });
      tomcat = new RealTomcat({ name: "java", address: JAVA, httpPort: 8080, receiverPort: 4000, members: MEMBERS, channelSendOptions });
      await tomcat.start();
      await workers.membersSeen(2);
    });
    after(async () => {
      await tomcat.stop();
      await workers.stop();
    });

    const arrivedInTomcat = (name: string, cookie: string, wanted: RegExp) =>
      eventually(
        () => held(tomcat.url, name, cookie),
        (text) => wanted.test(text),
      );
    const arrivedInOurs = (index: number, name: string, cookie: string, wanted: RegExp) =>
      eventually(
        () => ask(workers.url(index), `op=peek&k=${name}`, cookie),
        ({ text }) => wanted.test(text),
      );

    it("brings a Tomcat that was frozen up to date: changes, new sessions, ends, new ids (rule 11)", async () => {
      const changed = await ask(workers.url(0), "op=set&k=k&v=string");
      const ended = await ask(workers.url(0), "op=set&k=k&v=string");
      const moved = await ask(workers.url(0), "op=set&k=k&v=string");
      const own = await ask(tomcat.url, "op=set&k=k&v=string");
      for (const { cookie } of [changed, ended, moved]) await arrivedInTomcat("k", cookie, /Größe/);
      const taken = await arrivedInOurs(1, "k", own.cookie, /Größe/);

      process.kill(tomcat.pid, "SIGSTOP");
      await ask(workers.url(0), "op=set&k=k&v=integer", changed.cookie);
      await ask(workers.url(0), "op=set&k=more&v=list", changed.cookie);
      await ask(workers.url(0), "op=kill", ended.cookie);
      const there = await ask(workers.url(1), "op=set&k=k&v=long", moved.cookie);
      await ask(workers.url(1), "op=remove&k=k", taken.cookie);
      const created = await ask(workers.url(1), "op=set&k=k&v=double");
      await eventually(
        () => workers.output(0) + workers.output(1),
        (log) => (log.match(/Member lags behind/g) ?? []).length >= 2,
      );
      process.kill(tomcat.pid, "SIGCONT");

      await arrivedInTomcat("k", changed.cookie, /java\.lang\.Integer 42$/);
      await arrivedInTomcat("more", changed.cookie, /ArrayList \[a, 1, true, null\]$/);
      await arrivedInTomcat("k", ended.cookie, /^no session$/);
      await arrivedInTomcat("k", there.cookie, /^\w+\.worker-1 java\.lang\.Long 1099511627776$/);
      await arrivedInTomcat("k", moved.cookie, /^no session$/);
      await arrivedInTomcat("k", taken.cookie, /^\w+\.worker-1 null$/);
      await arrivedInTomcat("k", created.cookie, /java\.lang\.Double 2\.5$/);
      assert.match((await ask(tomcat.url, "op=get&k=more", changed.cookie)).text, /^\w+\.java java\.util\.ArrayList/);
    });

    it("has what a Tomcat changed in a worker of ours that was frozen meanwhile", async () => {
      const own = await ask(tomcat.url, "op=set&k=k&v=string");
      workers.kill(0, "SIGSTOP");
      // Synchronously, the Tomcat waits for its time-out of five seconds, closes the connection, and forgets what it has sent.
      await ask(tomcat.url, "op=set&k=k&v=integer", own.cookie);
      workers.kill(0, "SIGCONT");
      await arrivedInOurs(0, "k", own.cookie, /number 42$/);
    });
  });
}
