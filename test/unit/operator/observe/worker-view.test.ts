import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { askWorkers, fetchText, parseWorkerView } from "../../../../src/operator/observe/worker-view.ts";
import { podOf } from "../../../support/worker-pods.ts";

const signal = new AbortController().signal;

describe("parseWorkerView", () => {
  it("reads whom a worker sees alive, itself among them, what is at risk in all applications, and its keys", () => {
    const page = {
      state: "serving",
      localMember: "tcp://b:4000",
      members: [
        { name: "tcp://c:4000", state: "Alive" },
        { name: "tcp://a:4000", state: "Alive" },
        { name: "tcp://d:4000", state: "Suspect" },
      ],
      managers: [
        { sessions: 9, primarySessions: 5, sessionsAtRisk: 2 },
        { sessions: 3, primarySessions: 1, sessionsAtRisk: 1 },
      ],
      encryption: { sending: { name: "2.key", id: "x" }, accepted: [{ name: "2.key" }, { name: "1.key" }] },
    };
    assert.deepEqual(parseWorkerView("shop-1", JSON.stringify(page)), {
      worker: "shop-1",
      state: "serving",
      members: ["tcp://a:4000", "tcp://b:4000", "tcp://c:4000"],
      sessions: 6,
      sessionsAtRisk: 3,
      keys: { sending: "2.key", accepted: ["2.key", "1.key"] },
    });
  });
});

describe("askWorkers", () => {
  it("asks the management ports of workers, and says who does not answer as a worker does", async () => {
    const asked: string[] = [];
    const getText = (url: string) => {
      asked.push(url);
      if (url.includes("192.0.2.1")) return Promise.reject(new Error("connection refused\nat somewhere"));
      return Promise.resolve(url.includes("192.0.2.0") ? '{"state":"serving"}' : "<html>");
    };
    const pods = [podOf(0), podOf(1), podOf(2, { address: "2001:db8::2" }), podOf(3, { address: undefined })];
    const answers = await askWorkers(getText, pods, signal);
    assert.deepEqual(asked, ["http://192.0.2.0:9090/cluster", "http://192.0.2.1:9090/cluster", "http://[2001:db8::2]:9090/cluster"]);
    assert.deepEqual(
      answers.map((answer) => ("problem" in answer ? answer.problem : answer.state)).filter((_, index) => index !== 2),
      ["serving", "connection refused", "its pod has no address"],
    );
    assert.ok("problem" in answers[2]!);
  });

  it("asks once more after a time-out, and not after anything else", async () => {
    const late = new DOMException("too late", "TimeoutError");
    const failures: Error[] = [late, new Error("refused"), late, late];
    const getText = () => {
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve('{"state":"serving"}');
    };
    const ask = async () => {
      const [answer] = await askWorkers(getText, [podOf(0)], signal);
      return "problem" in answer! ? answer.problem : answer!.state;
    };
    assert.deepEqual([await ask(), await ask(), await ask()], ["refused", "too late", "serving"]);
  });
});

describe("fetchText", () => {
  it("reads a page, and refuses another status, one without end, and one that is elsewhere", async () => {
    const server = createServer((request, response) => {
      response.statusCode = { "/missing": 404, "/moved": 302 }[request.url!] ?? 200;
      if (request.url === "/moved") response.setHeader("Location", "/");
      response.end(request.url === "/endless" ? Buffer.alloc(2 * 1024 * 1024) : "text");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      assert.equal(await fetchText(`${url}/`, signal), "text");
      await assert.rejects(fetchText(`${url}/missing`, signal), /was answered 404/);
      await assert.rejects(fetchText(`${url}/moved`, signal));
      await assert.rejects(fetchText(`${url}/endless`, signal), /more than 1048576 bytes/);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
