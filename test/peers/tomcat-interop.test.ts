// One group of a real Apache Tomcat 10.1 and two workers of ours: each serves the sessions of the other.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MixedGroup } from "../support/mixed-group.ts";
import { ask, attributeIn, held, hit, routeIn } from "../support/session-requests.ts";
import type { TestWorkers } from "../support/test-workers.ts";
import type { RealTomcat } from "../support/tomcat.ts";

const MEMBERS = ["127.0.81.2", "127.0.81.3", "127.0.81.4"];

/** Kind, what Java prints of it, what JavaScript prints of it. */
const ROWS: readonly (readonly [string, string, string])[] = [
  ["string", "java.lang.String Größe €", "string Größe €"],
  ["integer", "java.lang.Integer 42", "number 42"],
  ["long", "java.lang.Long 1099511627776", "number 1099511627776"],
  ["double", "java.lang.Double 2.5", "number 2.5"],
  ["biginteger", "java.math.BigInteger 123456789012345678901234567890", "bigint 123456789012345678901234567890"],
  ["boolean", "java.lang.Boolean true", "boolean true"],
  ["date", "java.util.Date 1700000000000", "Date 1700000000000"],
  ["bytes", "[B [0, 1, -1]", "Buffer [0,1,255]"],
  ["list", "java.util.ArrayList [a, 1, true, null]", 'Array ["a",1,true,null]'],
  ["map", "java.util.HashMap {k=v, n=7}", 'Map [["k","v"],["n",7]]'],
  ["linkedmap", "java.util.LinkedHashMap {name=shop, items=[apple, pear]}", 'Object {"name":"shop","items":["apple","pear"]}'],
  ["set", "java.util.LinkedHashSet [one, two]", 'Set ["one","two"]'],
];

for (const channelSendOptions of [6, 8]) {
  describe(`a real Tomcat 10.1 and two workers of ours, channelSendOptions ${channelSendOptions}`, () => {
    let group: MixedGroup;
    let workers: TestWorkers;
    let tomcat: RealTomcat;

    before(async () => {
      group = await MixedGroup.start({ members: MEMBERS, channelSendOptions });
      ({ workers, tomcat } = group);
    });

    after(() => group.stop());

    /**
     * Waits until Tomcat holds what the worker of ours has answered, without a request to that session. Synchronously it has it at
     * once; asynchronously a request that came before the change would rename the session under it, and Tomcat would lose it.
     */
    const arrivedInTomcat = async (cookie: string, name: string, wanted: string | RegExp) => {
      const look = () => held(tomcat.url, name, cookie);
      const suits = (text: string) => (typeof wanted === "string" ? text.endsWith(wanted) : wanted.test(text));
      if (channelSendOptions === 6) assert.ok(suits(await look()), await look());
      else await workers.eventually(look, suits);
    };

    /** Waits until our worker has it: a Tomcat replicates after it has answered. */
    const arrivedInOurs = (index: number, cookie: string, name: string, wanted: string) =>
      workers.eventually(
        () => ask(workers.url(index), `op=peek&k=${name}`, cookie),
        (answer) => answer.text.endsWith(wanted),
      );

    for (const [kind, java, javascript] of ROWS) {
      it(`serves a ${kind} that Tomcat's application set in our worker, and back in Tomcat`, async () => {
        const made = await ask(tomcat.url, `op=set&k=${kind}&v=${kind}`);
        assert.equal(attributeIn(made.text), java);
        const seen = await arrivedInOurs(0, made.cookie, kind, javascript);
        assert.equal(routeIn(seen.text), "worker-0");
        await arrivedInTomcat(seen.cookie, kind, java);
        const back = await ask(tomcat.url, `op=get&k=${kind}`, seen.cookie);
        assert.equal(attributeIn(back.text), java);
        assert.equal(routeIn(back.text), "java");
      });

      it(`serves a ${kind} that our worker's application set in Tomcat and in the other worker`, async () => {
        const made = await ask(workers.url(0), `op=set&k=${kind}&v=${kind}`);
        assert.equal(attributeIn(made.text), javascript);
        await arrivedInTomcat(made.cookie, kind, java);
        const inJava = await ask(tomcat.url, `op=get&k=${kind}`, made.cookie);
        assert.equal(attributeIn(inJava.text), java);
        const inOther = await arrivedInOurs(1, inJava.cookie, kind, javascript);
        assert.equal(routeIn(inOther.text), "worker-1");
      });
    }

    it("removes attributes and ends sessions on either side for all", async () => {
      const made = await ask(tomcat.url, "op=set&k=gone&v=string");
      const seen = await arrivedInOurs(1, made.cookie, "gone", "string Größe €");
      const removed = await ask(workers.url(1), "op=remove&k=gone", seen.cookie);
      await arrivedInTomcat(removed.cookie, "gone", / null$/);
      await ask(workers.url(1), "op=kill", removed.cookie);
      await arrivedInTomcat(removed.cookie, "gone", /^no session$/);
      assert.equal((await ask(workers.url(0), "op=peek&k=gone", removed.cookie)).text, "no session");

      const other = await ask(workers.url(0), "op=set&k=gone&v=string");
      await arrivedInTomcat(other.cookie, "gone", "java.lang.String Größe €");
      await ask(tomcat.url, "op=kill", other.cookie);
      await arrivedInOurs(0, other.cookie, "gone", "no session");
    });

    it("counts one session on in turn: ours, Tomcat, ours", async () => {
      const urls = [workers.url(0), tomcat.url, workers.url(1), tomcat.url, workers.url(0)];
      let cookie = "";
      for (const [index, url] of urls.entries()) {
        // The change before may still be on its way to this worker.
        if (index > 0 && url === tomcat.url) await arrivedInTomcat(cookie, "n", ` ${index}`);
        else if (index > 0) ({ cookie } = await arrivedInOurs(url === workers.url(0) ? 0 : 1, cookie, "n", ` ${index}`));
        const answer = await hit(url, cookie);
        assert.equal(answer.n, index + 1);
        cookie = answer.cookie;
      }
    });

    it("gives its sessions to a Tomcat that joins later, and takes them from one", async () => {
      const made = await ask(workers.url(0), "op=set&k=early&v=linkedmap");
      await group.replaceTomcat();
      ({ tomcat } = group);
      const seen = await ask(tomcat.url, "op=peek&k=early", made.cookie);
      assert.equal(attributeIn(seen.text), "java.util.LinkedHashMap {name=shop, items=[apple, pear]}");
      await workers.restart(1);
      const inOurs = await ask(workers.url(1), "op=peek&k=early", seen.cookie);
      assert.equal(attributeIn(inOurs.text), 'Object {"name":"shop","items":["apple","pear"]}');
    });
  });
}
