import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChannelDataDecoder } from "../../../../src/channel/wire/channel-data.ts";
import { FrameDecoder } from "../../../../src/channel/wire/frame.ts";
import { mapMessageFromJava } from "../../../../src/replication/map/map-message.ts";
import { decodeSessionObject, encodeSessionObject } from "../../../../src/replication/session/session-object.ts";
import { ObjectInputStream, ObjectOutputStream, SuidTable, UnexpectedShapeError } from "../../../../src/serialization/index.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

function capturedSession(): Buffer {
  const frames = new FrameDecoder(1_000_000);
  frames.push(tribesVector("capture-map-backup").bytes);
  const { body } = new ChannelDataDecoder().decode(frames.next()!);
  return mapMessageFromJava(new ObjectInputStream(body).readObject()).value!;
}

describe("A session as a Java object", () => {
  it("is read from a running Tomcat's map, and written with the same bytes", () => {
    const bytes = capturedSession();
    const state = decodeSessionObject(bytes);
    assert.equal(state.id, "463A81F219843E47E733335CA4EC473E.nodeA");
    assert.deepEqual(state.attributes, [["color", "red"]]);
    assert.deepEqual(encodeSessionObject(state, new SuidTable()), bytes);
  });

  it("refuses an object that is no session, and one that ends early", () => {
    const stream = new ObjectOutputStream();
    stream.writeObject("no session");
    assert.throws(() => decodeSessionObject(stream.toBuffer()), UnexpectedShapeError);
    const bytes = capturedSession();
    assert.throws(() => decodeSessionObject(bytes.subarray(0, bytes.length - 20)));
  });
});
