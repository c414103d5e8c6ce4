import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { httpGet } from "../../../src/local/http-get.ts";
import { fetchServingWorkers } from "../../../src/local/serving-workers.ts";

/** Runs `ask` against a server that answers everything with this. */
async function against<T>(status: number, body: string, ask: (url: string) => Promise<T>): Promise<T> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url!);
    response.writeHead(status).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    assert.ok(paths.every((path) => path === "/balancer"));
  }
}

describe("fetchServingWorkers", () => {
  it("names the workers that the status page shows as serving", async () => {
    const workers = [
      { name: "shop-0", state: "Serving" },
      { name: "shop-1", state: "Draining" },
      { name: "shop-2", state: "Serving" },
    ];
    const page = JSON.stringify({ workers });
    assert.deepEqual(await against(200, page, (url) => fetchServingWorkers(url, 1000)), ["shop-0", "shop-2"]);
  });

  it("rejects when there is no such page", async () => {
    await assert.rejects(
      against(404, "no", (url) => fetchServingWorkers(url, 1000)),
      /answered 404/,
    );
    await assert.rejects(
      against(200, "<html>", (url) => fetchServingWorkers(url, 1000)),
      SyntaxError,
    );
  });
});

describe("httpGet", () => {
  it("cuts an endless body at 256 KiB", async () => {
    const answer = await against(200, "x".repeat(1024 * 1024), (url) => httpGet(`${url}/balancer`, 5000));
    assert.deepEqual([answer.status, answer.body.length], [200, 256 * 1024]);
  });
});
