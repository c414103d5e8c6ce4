import assert from "node:assert/strict";
import { it } from "node:test";
import { sessionIdHash } from "../../../../src/container/index.ts";
import { stemOf } from "../../../../src/protocol/index.ts";
import { changeSessionId, sessionAccessed, sessionDelta } from "../../../../src/replication/message-bodies.ts";
import { DeltaRequest } from "../../../../src/replication/session/delta-request.ts";
import { CONTEXT, DeltaNode } from "../../../support/delta-node.ts";
import { FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";

it("session ids appear in logs and errors as a short hash only, whatever goes wrong (rule 22)", async () => {
  const clock = new ManualClock();
  const group = new FakeGroup(clock);
  const log = new MemoryLog("trace");
  const [a, b] = [await DeltaNode.started(group, 1, { logger: log.logger }), await DeltaNode.started(group, 2, { logger: log.logger })];
  /** What the node throws is logged by the channel. */
  const refused = (node: DeltaNode, body: Buffer) =>
    node.channel.receive(body, a.channel.localMember).catch((err: unknown) => log.logger.warn({ err }, "Refused"));

  const id = await a.create((session) => session.setAttribute("list", []));
  await a.request(id, (session) => void (session.getAttribute("list") as unknown[]).push(() => undefined));
  group.fate = () => "Lost";
  await a.request(id, (session) => session.setAttribute("n", 1));
  group.fate = () => "Refused";
  await a.request(id, (session) => session.setAttribute("n", 2));
  await clock.advance(20_000);
  group.fate = () => "Delivered";
  await clock.advance(20_000);
  await refused(b, sessionDelta(CONTEXT, id, new DeltaRequest().encode(id), 99, clock.now()));
  await refused(b, sessionDelta(CONTEXT, id, new DeltaRequest().encode(id), 1, clock.now()));

  const unknown = a.manager.generateSessionId();
  await refused(b, sessionAccessed(CONTEXT, unknown, clock.now()));
  await refused(b, sessionDelta(CONTEXT, unknown, new DeltaRequest().encode(unknown), 1, clock.now()));
  await refused(b, sessionDelta(CONTEXT, id, new DeltaRequest().encode(unknown), 1, clock.now()));
  await refused(b, changeSessionId(CONTEXT, unknown, a.manager.generateSessionId(), clock.now()));
  await a.stop();
  await b.stop();

  for (const known of [id, unknown]) {
    assert.equal(log.text.includes(stemOf(known)), false);
    assert.ok(log.text.includes(sessionIdHash(known)));
  }
});
