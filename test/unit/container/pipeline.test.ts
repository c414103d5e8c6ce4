// Valves around the application: order, hooks before the last bytes, replaced answers, failures.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { Request, Valve, ValveFactory } from "../../../src/container/index.ts";
import { type ContainerOptions, cookieOf, NOWHERE, RunningContainer } from "../../support/running-container.ts";

let container: RunningContainer;

async function start(valves: Readonly<Record<string, Valve["invoke"]>>, options: ContainerOptions = {}): Promise<void> {
  const factories = Object.entries(valves).map(([name, invoke]) => [name, () => ({ invoke })] as [string, ValveFactory]);
  container = await RunningContainer.start({
    applications: { shop: "plain" },
    valves: Object.keys(valves).map((className) => ({ className, attributes: {}, location: NOWHERE })),
    valveFactories: new Map(factories),
    ...options,
  });
}

afterEach(() => container.stop());

describe("valves", () => {
  it("run in their order, their hooks before the last bytes in reverse, one after the other, then those for the end", async () => {
    const events: string[] = [];
    const completed = new Promise<void>((resolve) => {
      const valve = (name: string, last: boolean) => (request: Request, next: (request: Request) => void) => {
        events.push(name);
        request.onBeforeEnd(async () => {
          events.push(`${name} begins`);
          await new Promise((wake) => setImmediate(wake));
          events.push(`${name} ends`);
        });
        request.onComplete(() => {
          events.push(`${name} complete`);
          if (last) resolve();
        });
        next(request);
        events.push(`${name} returned`);
      };
      void start({ outer: valve("outer", false), inner: valve("inner", true) }).then(() => container.fetch("/shop/count"));
    });
    await completed;
    assert.deepEqual(events, [
      "outer",
      "inner",
      "inner begins",
      "inner returned",
      "outer returned",
      "inner ends",
      "outer begins",
      "outer ends",
      "outer complete",
      "inner complete",
    ]);
  });

  it("see the session that the client asked for before the application does, and may change its id", async () => {
    const seen: unknown[] = [];
    await start(
      {
        binder: (request, next) => {
          seen.push([request.requestedSessionId, request.session?.id, request.decodedUri, request.context?.name]);
          if (request.session) request.changeSessionId(request.session.id.replace("a-1", "b-2"));
          next(request);
        },
      },
      { jvmRoute: "a-1" },
    );
    const first = await container.fetch("/shop/count?x=1");
    const cookie = cookieOf(first)!;
    const second = await container.fetch("/shop/count", { headers: { cookie } });
    const id = cookie.slice("JSESSIONID=".length);
    assert.deepEqual(seen, [
      [undefined, undefined, "/shop/count", "localhost#/shop"],
      [id, id, "/shop/count", "localhost#/shop"],
    ]);
    assert.equal(cookieOf(second), cookie.replace("a-1", "b-2"));
    assert.equal(((await second.json()) as { n: number }).n, 2);
  });

  it("may take the answer back before it leaves", async () => {
    await start({
      durable: (request, next) => {
        request.onBeforeEnd(async () => {
          await null;
          assert.equal(request.replaceAnswer(503, "Nobody else has the update.", { "Retry-After": "1" }), true);
        });
        next(request);
      },
    });
    const answer = await container.fetch("/shop/count");
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "1");
    assert.match(await answer.text(), /Nobody else has the update\./);
    assert.ok(cookieOf(answer), "the session exists all the same");
  });

  it("that fail in a hook delay nothing and stop no other hook", async () => {
    let later = 0;
    await start({
      outer: (request, next) => {
        request.onBeforeEnd(() => {
          later++;
        });
        next(request);
      },
      throwing: (request, next) => {
        request.onBeforeEnd(() => {
          throw new Error("sync");
        });
        next(request);
      },
      rejecting: (request, next) => {
        request.onBeforeEnd(() => Promise.reject(new Error("async")));
        next(request);
      },
    });
    assert.equal((await container.fetch("/shop/count")).status, 200);
    assert.equal(later, 1);
  });

  it("that throw fail the request, and those that answer end it", async () => {
    await start({
      broken: (request, next) => {
        if (request.decodedUri === "/shop/url") throw new Error("valve");
        if (request.decodedUri === "/shop/peek") request.answer(403, "Not for <you>.");
        else next(request);
      },
    });
    assert.equal((await container.fetch("/shop/url")).status, 500);
    const refused = await container.fetch("/shop/peek");
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /403 Forbidden.*Not for &lt;you&gt;\./s);
    assert.equal((await container.fetch("/shop/count")).status, 200);
  });

  it("of the engine also see requests for which there is no application", async () => {
    const contexts: unknown[] = [];
    await start({
      seeing: (request, next) => {
        contexts.push(request.context);
        next(request);
      },
    });
    assert.equal((await container.fetch("/nothing")).status, 404);
    assert.deepEqual(contexts, [undefined]);
  });

  it("of an unknown class are refused with the place in server.xml and those that are known", async () => {
    await start({});
    await assert.rejects(
      RunningContainer.start({
        valves: [{ className: "com.example.Unknown", attributes: {}, location: NOWHERE }],
        valveFactories: new Map([["a.Known", () => ({ invoke: (request, next) => next(request) })]]),
      }),
      {
        code: "UNKNOWN_VALVE",
        message: 'server.xml:1:1: unknown valve "com.example.Unknown". Known: a.Known, org.apache.catalina.valves.AccessLogValve',
      },
    );
  });
});
