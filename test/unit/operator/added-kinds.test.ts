import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiError, type Resource, SyncTimeoutError } from "../../../src/kube/index.ts";
import { AddedKinds } from "../../../src/operator/added-kinds.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryLog } from "../../support/memory-log.ts";

const PERIOD_MS = 30_000;

/** `kinds`: what the API server has; or how it fails. */
function setUp() {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const api = { kinds: new Set<string>() as ReadonlySet<string> | Error, forbidden: new Set<string>() };
  const told: string[] = [];
  const failures: Error[] = [];
  const client = {
    kinds: () => (api.kinds instanceof Error ? Promise.reject(api.kinds) : Promise.resolve(api.kinds)),
    list: ({ kind }: Resource) => (api.forbidden.has(kind) ? Promise.reject(refusal(403)) : Promise.resolve([])),
  };
  const tell = (what: string) => (resource: Resource) => {
    told.push(`${what} ${resource.kind}`);
    const failure = failures.shift();
    return failure ? Promise.reject(failure) : Promise.resolve();
  };
  const deps = { clock, logger: log.logger, client, appeared: tell("+"), vanished: tell("-") };
  const added = new AddedKinds(deps, { namespace: undefined });
  const news = async () => {
    await clock.advance(PERIOD_MS);
    return told.splice(0).join(" ");
  };
  return { clock, log, api, told, failures, added, news };
}

function refusal(statusCode: number): ApiError {
  return new ApiError("GET /apis", statusCode, undefined, "");
}

describe("AddedKinds", () => {
  it("finds the kinds that are there before it has started", async () => {
    const { api, told, added } = setUp();
    api.kinds = new Set(["HTTPRoute", "GRPCRoute"]);
    await added.start();
    assert.deepEqual(told, ["+ HTTPRoute"]);
    await added.stop();
  });

  it("notices kinds that come and go, each once", async () => {
    const { clock, api, added, news } = setUp();
    await added.start();
    api.kinds = new Set(["PodMonitor", "PrometheusRule"]);
    assert.equal(await news(), "+ PodMonitor + PrometheusRule");
    assert.equal(await news(), "");
    api.kinds = new Set(["PrometheusRule"]);
    assert.equal(await news(), "- PodMonitor");
    api.kinds = new Set(["PodMonitor", "PrometheusRule"]);
    assert.equal(await news(), "+ PodMonitor");
    await added.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("takes an API server that fails for no news, and goes on", async () => {
    const { api, added, news } = setUp();
    api.kinds = new Set(["HTTPRoute"]);
    await added.start();
    await news();
    api.kinds = refusal(503);
    assert.equal(await news(), "");
    api.kinds = new Set();
    assert.equal(await news(), "- HTTPRoute");
    await added.stop();
  });

  it("leaves out what it may not list, until it may", async () => {
    const { api, added, news } = setUp();
    api.kinds = new Set(["HTTPRoute"]);
    api.forbidden.add("HTTPRoute");
    await added.start();
    assert.equal(await news(), "");
    api.forbidden.clear();
    assert.equal(await news(), "+ HTTPRoute");
    await added.stop();
  });

  it("tells again of a kind whose cache could not be filled", async () => {
    const { api, failures, added, news } = setUp();
    await added.start();
    api.kinds = new Set(["HTTPRoute"]);
    failures.push(new SyncTimeoutError("httproutes", 1, undefined));
    assert.equal(await news(), "+ HTTPRoute");
    assert.equal(await news(), "+ HTTPRoute");
    assert.equal(await news(), "");
    await added.stop();
  });

  it("waits at the start for an API server that is away, and no longer than until it is stopped", async () => {
    const { clock, log, api, added } = setUp();
    api.kinds = refusal(500);
    const started = added.start();
    await clock.advance(4000);
    assert.ok(log.lines.filter(({ msg }) => msg === "The API server does not tell which kinds it knows").length >= 2);
    await added.stop();
    await started;
    assert.equal(clock.pendingTimers, 0);
  });

  it("does not wait at the start for what will not pass", async () => {
    const { api, added } = setUp();
    api.kinds = refusal(401);
    await assert.rejects(added.start(), /401/);
  });
});
