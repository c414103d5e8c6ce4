import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeEvent, type ReadyEvent } from "../../../src/local/events.ts";
import { welcome } from "../../../src/local/welcome.ts";

describe("describeEvent", () => {
  const worker = { name: "shop-1", route: "shop-1" };
  const cases = [
    { event: { event: "workerExited", ...worker, pid: 7, signal: "SIGKILL" }, text: "shop-1 has ended (pid 7, SIGKILL)" },
    { event: { event: "workerExited", ...worker, pid: 7, signal: null }, text: "shop-1 has ended (pid 7)" },
    { event: { event: "workerStarted", ...worker, pid: 8 }, text: "shop-1 is ready again (pid 8)" },
    { event: { event: "balancerExited", pid: 9, signal: "SIGKILL" }, text: "balancer has ended (pid 9, SIGKILL)" },
    { event: { event: "balancerExited", pid: 9, signal: null }, text: "balancer has ended (pid 9)" },
    { event: { event: "balancerStarted", pid: 10 }, text: "balancer is ready again (pid 10)" },
    { event: { event: "memberAdded", ...worker, seenBy: "shop-0" }, text: "shop-0 sees shop-1 in the group" },
    { event: { event: "memberDisappeared", ...worker, seenBy: "shop-0" }, text: "shop-0 no longer sees shop-1 in the group" },
    { event: { event: "stopped" }, text: "Stopped" },
  ] as const;
  for (const { event, text } of cases) it(`says "${text}"`, () => assert.equal(describeEvent(event), text));
});

describe("welcome", () => {
  const details = { name: "shop", network: "127.0.5.0/24", paths: ["/shop"], folder: "/tmp/tomcat-cluster-shop-x" };
  const worker = (ordinal: number) => ({
    name: `shop-${ordinal}`,
    route: `shop-${ordinal}`,
    pid: 20 + ordinal,
    address: `127.0.5.${ordinal + 2}`,
    http: 8080,
    receiver: 4000,
    management: `http://127.0.5.${ordinal + 2}:9090`,
  });
  const ready: ReadyEvent = {
    event: "ready",
    url: "http://127.0.0.1:8080",
    balancer: { pid: 10, management: "http://127.0.5.1:9090" },
    workers: [worker(0), worker(1)],
  };

  it("tells where to go, what to kill, what to look at and how to stop", () => {
    const text = welcome(ready, details);
    for (const part of [
      "http://127.0.0.1:8080/shop/",
      "kill -9 20",
      "http://127.0.5.1:9090/balancer",
      "http://127.0.5.2:9090/metrics",
      "/tmp/tomcat-cluster-shop-x",
      "Ctrl+C",
    ]) {
      assert.ok(text.includes(part), part);
    }
    assert.match(
      text,
      /balancer {2}pid 10 {2}http:\/\/127\.0\.0\.1:8080\n {2}shop-0 {4}pid 20 {2}http:\/\/127\.0\.5\.2:8080\n {2}shop-1 {4}pid 21/,
    );
  });

  it("lists every page, and the welcome page where there is no application", () => {
    assert.match(
      welcome(ready, { ...details, paths: ["", "/a"] }),
      /Open http:\/\/127\.0\.0\.1:8080\/ or http:\/\/127\.0\.0\.1:8080\/a\/ /,
    );
    assert.match(welcome(ready, { ...details, paths: [] }), /Open http:\/\/127\.0\.0\.1:8080\/ /);
  });

  it("asks nobody to kill the only worker", () => {
    assert.doesNotMatch(welcome({ ...ready, workers: [worker(0)] }, details), /kill/i);
  });
});
