// A real Apache Tomcat 10.1 and two workers of ours: what each has after one of them was frozen or cut off (rules 3 and 11).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MixedGroup } from "../support/mixed-group.ts";
import { NamespaceNetwork, namespacesMissing } from "../support/process-networks.ts";
import { ask, eventually, held } from "../support/session-requests.ts";
import type { TestWorkers } from "../support/test-workers.ts";
import type { RealTomcat } from "../support/tomcat.ts";

/** The Tomcat's place in the network, behind the workers. */
const JAVA = 2;
const skip = namespacesMissing() ?? false;

for (const channelSendOptions of [6, 8]) {
  describe(`a real Tomcat 10.1 and two workers of ours, channelSendOptions ${channelSendOptions}`, { skip }, () => {
    let network: NamespaceNetwork;
    let group: MixedGroup;
    let workers: TestWorkers;
    let tomcat: RealTomcat;

    before(async () => {
      network = NamespaceNetwork.create(3);
      const members = [0, 1, JAVA].map((index) => network.memberAddress(index));
      group = await MixedGroup.start({ members, channelSendOptions, network });
      ({ workers, tomcat } = group);
    });
    after(async () => {
      await group.stop();
      await network.release();
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

    it("has what a Tomcat changed and made while it was cut off, and the Tomcat what was changed here (rule 11)", async () => {
      // Looked at by their number only: a request would make a session this worker's own.
      const sessionsArrive = (count: number) =>
        Promise.all(
          [0, 1].map((index) =>
            eventually(
              async () => (await workers.cluster(index)).managers[0]!.sessions,
              (sessions) => sessions === count,
              30_000,
            ),
          ),
        );
      const before = (await workers.cluster(0)).managers[0]!.sessions;
      const own = await ask(tomcat.url, "op=set&k=k&v=string");
      const ours = await ask(workers.url(0), "op=set&k=k&v=string");
      await arrivedInTomcat("k", ours.cookie, /Größe/);
      await sessionsArrive(before + 2);

      network.cutOff(JAVA);
      for (const index of [0, 1]) {
        await eventually(
          async () => (await workers.cluster(index)).members.map(({ state }) => state),
          (states) => states.includes("Suspect"),
          30_000,
        );
      }
      await ask(tomcat.url, "op=set&k=k&v=integer", own.cookie);
      const made = await ask(tomcat.url, "op=set&k=k&v=double");
      await ask(workers.url(0), "op=set&k=k&v=long", ours.cookie);
      network.join(JAVA);
      await sessionsArrive(before + 3);

      for (const index of [0, 1]) {
        await arrivedInOurs(index, "k", own.cookie, /number 42$/);
        await arrivedInOurs(index, "k", made.cookie, /number 2\.5$/);
      }
      await arrivedInTomcat("k", ours.cookie, /java\.lang\.Long 1099511627776$/);
    });
  });
}
