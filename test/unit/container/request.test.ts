import assert from "node:assert/strict";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, it } from "node:test";
import { Registry, silentLogger, systemRandom } from "../../../src/base/index.ts";
import { type Host, type Session, StandardManager } from "../../../src/container/index.ts";
import { Request, type RequestServices } from "../../../src/container/request.ts";
import type { Exchange } from "../../../src/protocol/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function newRequest(): Request {
  const request = new IncomingMessage(new Socket());
  const exchange = { request, response: new ServerResponse(request) } as unknown as Exchange;
  return new Request(exchange, { logger: silentLogger } as RequestServices, {} as Host, undefined, "/");
}

function sessions(): [Session, Session, Session] {
  const deps = { clock: new ManualClock(), random: systemRandom, logger: silentLogger, registry: new Registry() };
  const manager = new StandardManager(deps, { name: "local" });
  return [manager.createSession(), manager.createSession(), manager.createSession()];
}

describe("Request", () => {
  it("knows until its end every session that it may have changed, also one that has ended (rule 8)", () => {
    const [own, next, besides] = sessions();
    const request = newRequest();
    assert.deepEqual(request.usedSessions, []);
    request.useSession(own, own.id);
    own.invalidate();
    assert.deepEqual([request.session, request.usedSessions], [undefined, [own]]);
    request.adoptSession(next);
    request.useAlso(besides);
    request.useAlso(next);
    assert.deepEqual(request.usedSessions, [own, besides, next]);
  });

  it("forgets a session that it leaves as it was", () => {
    const [own, next] = sessions();
    const request = newRequest();
    request.useSession(own, own.id);
    request.adoptSession(next);
    assert.deepEqual(request.usedSessions, [next]);
  });
});
