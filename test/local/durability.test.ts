// replication.durability Required with real workers (rule 8).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LocalRun, ManifestFolder } from "../support/local-cluster.ts";
import { SessionClient } from "../support/session-client.ts";

describe("durability Required (rule 8)", () => {
  const folder = new ManifestFolder().addShop();
  let run: LocalRun;

  before(async () => {
    folder.writeManifest({ replicas: 2, replication: { durability: "Required", ackTimeoutMilliseconds: 500 } });
    run = new LocalRun(folder.manifest, ["--no-restart"]);
    await run.ready();
  });
  after(async () => {
    await run.dispose();
    folder.remove();
  });

  it("answers while another worker has the changes, and 503 to changes, but not to reads, when none does", async () => {
    const { url, workers } = await run.ready();
    const client = new SessionClient(url);
    const first = await client.hit("POST");
    assert.equal((await client.hit("POST")).n, 2);
    const other = workers.find(({ route }) => route !== first.route)!;
    const mark = run.events.length;
    process.kill(other.pid, "SIGKILL");
    await run.waitFor("workerExited", ({ name }) => name === other.name, { after: mark });
    const refused = await client.send("POST", "/shop/hit");
    assert.equal(refused.status, 503);
    assert.match(refused.body, /on one server only/);
    assert.equal((await client.hit("GET", "?readonly=1")).n, 3, "the change stays");
  });
});
