import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Registry, silentLogger } from "../../../src/base/index.ts";
import { ManagementPortError, ManagementServer, sendJson } from "../../../src/management/index.ts";

describe("ManagementServer", () => {
  let server: ManagementServer;
  let url: string;

  beforeEach(async () => {
    server = new ManagementServer({ logger: silentLogger, registry: new Registry() }, { address: "127.0.0.1", port: 0 });
    await server.start();
    url = `http://127.0.0.1:${server.port}`;
  });

  afterEach(() => server.stop());

  it("is alive from its start on", async () => {
    assert.equal((await fetch(`${url}/livez`)).status, 200);
  });

  it("is there on every address, of both families where there are two, when none is said", async () => {
    const everywhere = new ManagementServer({ logger: silentLogger, registry: new Registry() }, { port: 0 });
    await everywhere.start();
    try {
      const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.filter(({ internal }) => internal));
      assert.ok(addresses.length > 0);
      for (const { address, family } of addresses) {
        const host = family === "IPv6" ? `[${address}]` : address;
        assert.equal((await fetch(`http://${host}:${everywhere.port}/livez`)).status, 200, address);
      }
    } finally {
      await everywhere.stop();
    }
  });

  it("names address and port that another process has, and what to do", async () => {
    const second = new ManagementServer({ logger: silentLogger, registry: new Registry() }, { address: "127.0.0.1", port: server.port });
    await assert.rejects(second.start(), (error) => {
      assert.ok(error instanceof ManagementPortError);
      assert.match(error.message, new RegExp(`"127\\.0\\.0\\.1:${server.port}": another process has it; .*choose another`));
      return true;
    });
  });

  it("is ready only while no check gives a reason, and names the reasons", async () => {
    let reason: string | undefined = "waits for state";
    server.addReadinessCheck("sessions", () => reason);
    const before = await fetch(`${url}/readyz`);
    assert.equal(before.status, 503);
    assert.equal(await before.text(), "sessions: waits for state\n");
    reason = undefined;
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
  });

  it("tells its state in a header of /readyz", async () => {
    server.state = "draining";
    assert.equal((await fetch(`${url}/readyz`)).headers.get("x-tomcat-cluster-state"), "draining");
  });

  it("serves registered pages and lists them for an unknown path", async () => {
    server.addPage("/cluster", (_request, response) => sendJson(response, { members: 2 }));
    assert.deepEqual(await (await fetch(`${url}/cluster?x=1`)).json(), { members: 2 });
    const unknown = await fetch(`${url}/nothing`);
    assert.equal(unknown.status, 404);
    assert.match(await unknown.text(), /\/livez, \/readyz, \/metrics, \/cluster/);
  });

  it("refuses other methods", async () => {
    assert.equal((await fetch(`${url}/livez`, { method: "POST" })).status, 405);
  });

  it("answers 500 with the message of a page that fails", async () => {
    server.addPage("/broken", () => {
      throw new Error("no view yet");
    });
    const answer = await fetch(`${url}/broken`);
    assert.equal(answer.status, 500);
    assert.equal(await answer.text(), "no view yet\n");
  });
});
