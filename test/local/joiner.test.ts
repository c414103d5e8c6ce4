// A worker that joins another one, as processes, while that one serves requests (rule 6).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LoadGenerator } from "../bench/load-generator.ts";
import { TestWorkers } from "../support/test-workers.ts";

const SESSIONS = 5000;
const REQUESTS_PER_SECOND = 200;
const DONOR = 0;
const ADDRESSES = ["127.0.72.2", "127.0.72.3", "127.0.72.4"];

describe("a joiner of a worker that serves requests meanwhile (rule 6)", () => {
  let workers: TestWorkers;
  let load: LoadGenerator;

  before(async () => {
    workers = await TestWorkers.start({
      ...{ addresses: ADDRESSES, groupAddresses: ADDRESSES, groupName: "joiner.test", started: 1, channelSendOptions: 6 },
      encryption: { algorithm: "AES/GCM/NoPadding", key: "000102030405060708090a0b0c0d0e0f" },
    });
    load = new LoadGenerator();
    await load.fill(workers.url(DONOR), SESSIONS, 1024);
  });
  after(async () => {
    await load.stop();
    await workers.stop();
  });

  it("is not ready before it has every session, and holds what the others hold when the load is over", async () => {
    await load.paced(REQUESTS_PER_SECOND);
    for (const joiner of [1, 2]) {
      await workers.launch(joiner);
      const { sessions, stateTransferred } = (await workers.cluster(joiner)).managers[0]!;
      assert.deepEqual({ sessions, stateTransferred }, { sessions: SESSIONS, stateTransferred: true });
    }
    await load.pause();
    assert.equal((await load.window()).errors, 0);
    const digests = await workers.eventually(
      () => Promise.all(ADDRESSES.map(async (_address, index) => (await workers.cluster(index, "?digest")).managers[0]!.digest)),
      (found) => new Set(found).size === 1,
    );
    assert.match(digests[0]!, /^[0-9a-f]{16}$/);
  });
});
