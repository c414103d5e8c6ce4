// What a real Apache Tomcat 10.1 does with single messages, and what it sends: the ground under the rules that lean on it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { PROBE_BODY } from "../../src/channel/interceptors/probe-messages.ts";
import { FAIL_ACK } from "../../src/channel/wire/acknowledgement.ts";
import { createMember, SHUTDOWN_COMMAND } from "../../src/channel/wire/member-block.ts";
import {
  allSessionData,
  changeSessionId,
  decodeSessionId,
  getAllSessions,
  noContextManager,
  sessionAccessed,
  sessionCreated,
  sessionDelta,
} from "../../src/replication/message-bodies.ts";
import { SESSION_EVENTS } from "../../src/replication/messages.ts";
import { decodeDelta } from "../../src/replication/session/delta-request.ts";
import { decodeSessionStates } from "../../src/replication/session/session-state.ts";
import { deltaThatSets, MANAGER, RawSessionMember, stateThatHolds } from "../support/raw-session-member.ts";
import { ask, attributeIn, eventually, held, idIn } from "../support/session-requests.ts";
import { RealTomcat } from "../support/tomcat.ts";

const RAW = "127.0.84.2";
const JAVA = "127.0.84.4";
const {
  GetAllSessions,
  SessionCreated,
  AllSessionData,
  SessionDelta,
  AllSessionTransferComplete,
  ChangeSessionId,
  AllSessionNoContextManager,
} = SESSION_EVENTS;
const BYTES_ACKNOWLEDGED = 3;

function realTomcat(members: readonly string[]): RealTomcat {
  return new RealTomcat({ name: "java", address: JAVA, httpPort: 8080, receiverPort: 4000, members, channelSendOptions: 6 });
}

const cookieOf = (id: string) => `JSESSIONID=${id}`;
const now = () => Date.now();
let ids = 0;
const newId = () => `${(++ids).toString(16).toUpperCase().padStart(32, "A")}.raw`;

describe("a real Tomcat 10.1 that its DNS tells of nobody", () => {
  let tomcat: RealTomcat;
  let peer: RawSessionMember;

  before(async () => {
    tomcat = realTomcat([JAVA]);
    await tomcat.start();
    peer = await RawSessionMember.start(RAW);
    await peer.connectTo(JAVA);
  });
  after(async () => {
    await peer.stop();
    await tomcat.stop();
  });

  const members = async () => (await ask(tomcat.url, "op=members")).text;
  const arrived = (mark: number, messages: number) =>
    eventually(
      () => peer.received(mark).length,
      (count) => count >= messages,
    );
  const make = async (name: string, value: string) => {
    const id = newId();
    await peer.send(sessionCreated(MANAGER, id, now(), now()));
    await peer.send(sessionDelta(MANAGER, id, deltaThatSets(id, name, value), 1, now()));
    return id;
  };

  it("does not add the sender of a message that it cannot read, and acknowledges it as processed", async () => {
    assert.equal(await peer.send(Buffer.from("no Java object")), "ACK");
    assert.equal(await members(), "");
  });

  it("adds the sender of a message that it can read, without a look-up, in a thread of its own (rule 4)", async () => {
    const id = newId();
    assert.equal(await peer.send(sessionAccessed(MANAGER, id, now())), "ACK");
    assert.equal(await eventually(members, (text) => text !== ""), RAW);
  });

  it("never answers FAIL_ACK: an unknown session, an unknown manager, data that it cannot read (rule 12)", async () => {
    const unknown = newId();
    const known = await make("k", "before");
    const delta = deltaThatSets(unknown, "k", "v");
    for (const body of [
      sessionDelta(MANAGER, unknown, delta, 1, now()),
      sessionDelta("localhost#/none", unknown, delta, 1, now()),
      sessionDelta(MANAGER, known, Buffer.from("garbage"), 2, now()),
      changeSessionId(MANAGER, unknown, newId(), now()),
      allSessionData(MANAGER, Buffer.from("garbage"), now()),
    ]) {
      assert.equal(await peer.send(body), "ACK");
    }
    assert.equal(await held(tomcat.url, "k", cookieOf(unknown)), "no session");
    assert.equal(await held(tomcat.url, "k", cookieOf(known)), `${known} java.lang.String before`);
  });

  it("applies a delta whose data names another session to the one that its message names", async () => {
    const [id, other] = [await make("k", "before"), await make("k", "other")];
    await peer.send(sessionDelta(MANAGER, id, deltaThatSets(other, "k", "after"), 2, now()));
    assert.equal(await held(tomcat.url, "k", cookieOf(id)), `${id} java.lang.String after`);
    assert.equal(await held(tomcat.url, "k", cookieOf(other)), `${other} java.lang.String other`);
  });

  it("takes over an ALL_SESSION_DATA that it has not asked for (rule 11)", async () => {
    const id = newId();
    assert.equal(await peer.send(allSessionData(MANAGER, stateThatHolds(id, "k", "first"), now())), "ACK");
    assert.equal(await held(tomcat.url, "k", cookieOf(id)), `${id} java.lang.String first`);
    assert.equal(await peer.send(allSessionData(MANAGER, stateThatHolds(id, "k", "second"), now())), "ACK");
    assert.equal(await held(tomcat.url, "k", cookieOf(id)), `${id} java.lang.String second`);
  });

  it("takes it over also when its own copy is newer, and is the one that a request of its own has changed", async () => {
    const made = await ask(tomcat.url, "op=set&k=k&v=string");
    const id = idIn(made.cookie);
    const old = stateThatHolds(id, "k", "old", { thisAccessedTime: 1, lastAccessedTime: 1, creationTime: 1 });
    assert.equal(await peer.send(allSessionData(MANAGER, old, 1)), "ACK");
    assert.equal(await held(tomcat.url, "k", made.cookie), `${id} java.lang.String old`);
  });

  it("handles a frame while it still handles an earlier one of the same connection (rule 10)", async () => {
    const id = newId();
    await ask(tomcat.url, "op=hold");
    peer.post(sessionCreated(MANAGER, id, now(), now()));
    await eventually(
      () => held(tomcat.url, "k", cookieOf(id)),
      (text) => text !== "no session",
    );
    // The creation is still held up, in a listener of the application.
    assert.equal(await peer.send(sessionDelta(MANAGER, id, deltaThatSets(id, "k", "overtook"), 1, now())), "ACK");
    assert.equal(await held(tomcat.url, "k", cookieOf(id)), `${id} java.lang.String overtook`);
    await ask(tomcat.url, "op=release");
  });

  it("loses a delta that it handles before the creation of its session (rule 10)", async () => {
    const id = newId();
    assert.equal(await peer.send(sessionDelta(MANAGER, id, deltaThatSets(id, "k", "early"), 1, now())), "ACK");
    await peer.send(sessionCreated(MANAGER, id, now(), now()));
    assert.equal(await held(tomcat.url, "k", cookieOf(id)), `${id} null`);
  });

  it("sends a message that is answered with FAIL_ACK once more on a new connection, logs it, and keeps the member (rule 12)", async () => {
    const made = await ask(tomcat.url, "op=set&k=k&v=string");
    const mark = peer.mark;
    const acknowledge = peer.raw.answer;
    peer.raw.answer = ({ socket }) => socket.write(FAIL_ACK);
    await ask(tomcat.url, "op=set&k=k&v=integer", made.cookie);
    peer.raw.answer = acknowledge;
    const tries = peer.received(mark);
    assert.deepEqual(
      tries.map(({ event, options }) => [event, options]),
      [
        [SessionDelta, 6],
        [SessionDelta, 6],
      ],
    );
    assert.notEqual(tries[0]!.connection, tries[1]!.connection);
    const logged = /Unable to send message through cluster sender[\s\S]*RemoteProcessException: Received a failed ack/;
    await eventually(
      () => logged.test(tomcat.output),
      (seen) => seen,
    );
    assert.equal(await members(), RAW);
    // What was refused is not sent again with the next change.
    const next = peer.mark;
    await ask(tomcat.url, "op=set&k=other&v=string", made.cookie);
    const [delta] = peer.received(next);
    assert.deepEqual(
      decodeDelta(delta!.data!).actions.map(({ name }) => name),
      ["__SET__ISNEW__", "other"],
    );
  });

  it("announces a session without attributes, and sends a delta for a request that only reads (rule 22)", async () => {
    const mark = peer.mark;
    const made = await ask(tomcat.url, "op=get&k=none");
    await ask(tomcat.url, "op=peek&k=none", made.cookie);
    const messages = peer.received(mark);
    assert.deepEqual(
      messages.map(({ event, sessionId }) => [event, sessionId]),
      [SessionCreated, SessionDelta, SessionDelta].map((event) => [event, idIn(made.cookie)]),
    );
    const names = messages.slice(1).map(({ data }) => decodeDelta(data!).actions.map(({ name }) => name));
    assert.deepEqual(names, [["__SET__ISNEW__", "__SET__MAXINTERVAL__"], ["__SET__ISNEW__"]]);
  });

  it("tells of a new id with type 15, then of the request's changes under it, and does not know the old id any more (rule 16)", async () => {
    const made = await ask(tomcat.url, "op=set&k=k&v=string");
    const mark = peer.mark;
    const renamed = await ask(tomcat.url, "op=rename&k=k", made.cookie);
    const [change, delta] = peer.received(mark);
    assert.deepEqual([change!.event, change!.sessionId, decodeSessionId(change!.data!)], [ChangeSessionId, ...[made, renamed].map(idOf)]);
    assert.deepEqual([delta!.event, delta!.sessionId, decodeDelta(delta!.data!).sessionId], [SessionDelta, idOf(renamed), idOf(renamed)]);
    assert.equal(await held(tomcat.url, "k", made.cookie), "no session");
  });

  it("takes a session of another member under a new id of its own route, with its attributes (rule 16)", async () => {
    const id = await make("k", "v");
    const mark = peer.mark;
    const taken = await ask(tomcat.url, "op=peek&k=k", cookieOf(id));
    assert.equal(attributeIn(taken.text), "java.lang.String v");
    assert.equal(idOf(taken), id.replace(".raw", ".java"));
    const [change] = peer.received(mark);
    assert.deepEqual([change!.event, change!.sessionId], [ChangeSessionId, id]);
  });

  it("gives its sessions in one type 12 with acknowledgement, then type 14, and answers type 16 for what it does not have (rule 5)", async () => {
    const id = await make("k", "given");
    const mark = peer.mark;
    await peer.send(getAllSessions(MANAGER, now()), { options: 2 });
    await arrived(mark, 2);
    const [data, complete] = peer.received(mark);
    assert.deepEqual([data!.event, data!.options, complete!.event, complete!.options], [AllSessionData, 6, AllSessionTransferComplete, 6]);
    const states = decodeSessionStates(data!.data!);
    assert.deepEqual(states.find((state) => state.id === id)?.attributes, [["k", "given"]]);

    const before = peer.mark;
    await peer.send(getAllSessions("localhost#/none", now()), { options: 2 });
    await arrived(before, 1);
    const [refusal] = peer.received(before);
    assert.deepEqual([refusal!.event, refusal!.contextName], [AllSessionNoContextManager, "localhost#/none"]);
  });

  it("hands a version on as it came, and does not count its own changes (rule 11)", async () => {
    const id = newId();
    await peer.send(allSessionData(MANAGER, stateThatHolds(id, "k", "v", { version: 7 }), now()));
    const taken = await ask(tomcat.url, "op=set&k=k&v=string", cookieOf(id));
    const made = await ask(tomcat.url, "op=set&k=k&v=string");
    const mark = peer.mark;
    await peer.send(getAllSessions(MANAGER, now()), { options: 2 });
    await arrived(mark, 1);
    const states = decodeSessionStates(peer.received(mark)[0]!.data!);
    const versionOf = (cookie: string) => states.find((state) => state.id === idIn(cookie))?.version;
    assert.deepEqual([versionOf(taken.cookie), versionOf(made.cookie)], [7, 0]);
  });

  it("keeps a member that said good-bye until it cannot be connected to any more (rule 18)", async () => {
    const leaving = createMember({ ...peer.member, command: SHUTDOWN_COMMAND });
    assert.equal(await peer.send(PROBE_BODY, { options: BYTES_ACKNOWLEDGED, address: leaving }), "ACK");
    assert.equal(await members(), RAW);
    await peer.raw.stop();
    assert.equal(await members(), RAW);
    // The next message that it cannot deliver shows it.
    await ask(tomcat.url, "op=set&k=k&v=string");
    assert.equal(await members(), "");
  });
});

describe("a real Tomcat 10.1 that starts beside one member", () => {
  it("asks it for the sessions, waits for what it sends, starts at once after type 16, and stops without a good-bye (rules 2, 5, 18)", async () => {
    const tomcat = realTomcat([JAVA, RAW]);
    const answers: string[] = [];
    const peer = await RawSessionMember.start(RAW);
    const acknowledge = peer.raw.answer;
    peer.raw.answer = (recorded) => {
      acknowledge(recorded);
      if (peer.received().at(-1)?.event === GetAllSessions) void tellThatNothingIsHere();
    };
    const tellThatNothingIsHere = async () => {
      await peer.connectTo(JAVA);
      answers.push(await peer.send(noContextManager(MANAGER, false)));
    };
    try {
      await tomcat.start(30_000);
      assert.deepEqual(answers, ["ACK"]);
      const [question] = peer.received();
      assert.deepEqual([question!.event, question!.options, question!.contextName], [GetAllSessions, 8, MANAGER]);
      assert.match(tomcat.output, /No matching context manager/);
      const mark = peer.mark;
      await tomcat.stop();
      assert.equal(peer.mark, mark);
      await eventually(
        () => peer.raw.openSockets.length,
        (open) => open === 0,
      );
    } finally {
      await tomcat.stop();
      await peer.stop();
    }
  });
});

function idOf({ cookie }: { readonly cookie: string }): string {
  return idIn(cookie);
}
