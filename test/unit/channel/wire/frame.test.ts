import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameTooLargeError, FramingError } from "../../../../src/channel/errors.ts";
import { ACK, FAIL_ACK, isAck, isFailAck } from "../../../../src/channel/wire/acknowledgement.ts";
import { encodeFrame, FrameDecoder } from "../../../../src/channel/wire/frame.ts";
import { tribesVector, tribesVectors } from "../../../support/tribes-vectors.ts";

const LIMIT = 1_000_000;

/** Copies every body, as the decoder's contract asks. */
function framesOf(chunks: readonly Buffer[], maxFrameBytes = LIMIT): { frames: Buffer[]; left: number } {
  const decoder = new FrameDecoder(maxFrameBytes);
  const frames: Buffer[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let body = decoder.next(); body; body = decoder.next()) frames.push(Buffer.from(body));
  }
  return { frames, left: decoder.bufferedBytes };
}

function piecesOf(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; offset += size) pieces.push(bytes.subarray(offset, offset + size));
  return pieces;
}

const wholeFrames = tribesVectors
  .map(({ name }) => ({ name, bytes: tribesVector(name).bytes }))
  .filter(({ bytes }) => bytes.toString("latin1", 0, 7) === "FLT2002" && bytes.readInt32BE(7) === bytes.length - 18);

describe("frames", () => {
  it("are found among the vectors", () => assert.ok(wholeFrames.length >= 30, `${wholeFrames.length} frames`));

  for (const { name, bytes } of wholeFrames) {
    it(`${name}: decodes, encodes to the same bytes, and can be cut at every byte`, () => {
      const [body, ...more] = framesOf([bytes]).frames;
      assert.deepEqual(more, []);
      assert.deepEqual(encodeFrame(body!), bytes);
      for (let cut = 1; cut < bytes.length; cut++) {
        const decoder = new FrameDecoder(LIMIT);
        decoder.push(bytes.subarray(0, cut));
        assert.equal(decoder.next(), undefined, `complete after ${cut} bytes`);
        decoder.push(bytes.subarray(cut));
        assert.deepEqual(decoder.next(), body);
        assert.equal(decoder.next(), undefined);
        assert.equal(decoder.bufferedBytes, 0);
      }
      assert.deepEqual(framesOf(piecesOf(bytes, 1)).frames, [body]);
    });
  }

  it("two in one read are two", () => {
    assert.equal(framesOf([tribesVector("frame-two").bytes]).frames.length, 2);
  });

  it("one and a half are one, and the half is kept", () => {
    const { bytes, expected } = tribesVector("frame-one-and-half");
    const { frames, left } = framesOf([bytes]);
    assert.deepEqual([frames.length, left], [1, expected.left]);
  });

  it("garbage before a frame is refused at its first byte", () => {
    const { bytes } = tribesVector("frame-after-garbage");
    assert.throws(() => framesOf([bytes]), FramingError);
    assert.throws(() => framesOf([bytes.subarray(0, 1)]), FramingError);
  });

  it("a frame in one chunk is a view of it; one that spans chunks is a copy", () => {
    const frame = encodeFrame(Buffer.from("hello"));
    const decoder = new FrameDecoder(LIMIT);
    const padded = Buffer.concat([frame, Buffer.alloc(8000)]).subarray(0, frame.length);
    decoder.push(padded);
    assert.equal(decoder.next()!.buffer, padded.buffer);
  });

  it("bodies that hold the marks are read by their length", () => {
    const body = Buffer.concat([ACK, FAIL_ACK, Buffer.from("TLF2003FLT2002")]);
    assert.deepEqual(framesOf([encodeFrame(body), encodeFrame(Buffer.alloc(0))]).frames, [body, Buffer.alloc(0)]);
  });

  it("chunks of every size give the same frames", () => {
    const bodies = [0, 1, 300, 5000, 70_000, 2, 9000].map((length, index) => Buffer.alloc(length, index + 1));
    const bytes = Buffer.concat(bodies.map(encodeFrame));
    for (const size of [3, 10, 11, 17, 18, 19, 100, 4095, 4096, 4097, 65_536]) {
      assert.deepEqual(framesOf(piecesOf(bytes, size)), { frames: bodies, left: 0 }, `chunks of ${size}`);
    }
  });

  const wrong: [string, Buffer][] = [
    ["a wrong end mark", Buffer.concat([encodeFrame(Buffer.from("x")).subarray(0, -1), Buffer.from("4")])],
    ["a length that is too short", Buffer.from("464c5432303032000000004141544c4632303033", "hex")],
    ["a negative length", Buffer.from("464c5432303032ffffffff", "hex")],
    ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a start mark with one wrong byte", Buffer.from("FLT2003")],
  ];
  for (const [what, bytes] of wrong) {
    it(`refuses ${what}, also byte by byte`, () => {
      assert.throws(() => framesOf([bytes]), FramingError);
      assert.throws(() => framesOf(piecesOf(bytes, 1)), FramingError);
    });
  }

  it("refuses a length above maxFrameBytes as soon as it is known, naming the setting", () => {
    const head = encodeFrame(Buffer.alloc(83)).subarray(0, 11);
    assert.throws(
      () => framesOf([head], 100),
      (error) => error instanceof FrameTooLargeError && /101 bytes .*"maxFrameBytes" \(100\)/.test(error.message),
    );
    assert.deepEqual(framesOf([encodeFrame(Buffer.alloc(82))], 100).frames, [Buffer.alloc(82)]);
    assert.throws(() => framesOf([Buffer.from("464c54323030327fffffff", "hex")]), FrameTooLargeError);
  });

  it("memory follows the bytes that came, not the length that is announced", () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 100 }, () => new FrameDecoder(0x7fff_ffff));
    for (const decoder of decoders) {
      decoder.push(Buffer.from("464c543230303207000000", "hex"));
      assert.equal(decoder.next(), undefined);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000);
  });

  it("bytes that come one by one are joined", () => {
    const decoder = new FrameDecoder(LIMIT);
    const frame = encodeFrame(Buffer.alloc(20_000, 7));
    for (const piece of piecesOf(frame, 1)) decoder.push(piece);
    assert.deepEqual(decoder.next(), Buffer.alloc(20_000, 7));
  });
});

describe("acknowledgements", () => {
  it("are the bytes that Tomcat writes, and are recognised", () => {
    assert.deepEqual(ACK, tribesVector("ack").bytes);
    assert.deepEqual(FAIL_ACK, tribesVector("fail-ack").bytes);
    const [ack, failAck, other, longer] = framesOf([
      ACK,
      FAIL_ACK,
      encodeFrame(Buffer.of(6, 2, 4)),
      encodeFrame(Buffer.of(6, 2, 3, 0)),
    ]).frames;
    assert.deepEqual(
      [ack, failAck, other, longer].map((payload) => [isAck(payload!), isFailAck(payload!)]),
      [
        [true, false],
        [false, true],
        [false, false],
        [false, false],
      ],
    );
  });
});
