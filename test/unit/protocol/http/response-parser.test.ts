import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseError } from "../../../../src/protocol/http/response-error.ts";
import type { WorkerResponseHead } from "../../../../src/protocol/http/response-head.ts";
import { type ExpectedResponse, ResponseParser, type ResponseSink } from "../../../../src/protocol/http/response-parser.ts";

/** What a sink heard: neighbouring pieces of a body are one. */
class Recorder implements ResponseSink {
  readonly heard: string[] = [];
  body = "";
  pieces = 0;
  takesMore = true;
  onData = (): void => undefined;

  responseHead(head: WorkerResponseHead): void {
    this.heard.push(`head ${head.status}`);
  }

  responseData(bytes: Buffer): boolean {
    assert(bytes.length > 0);
    this.pieces++;
    this.body += bytes.toString("latin1");
    this.onData();
    return this.takesMore;
  }

  responseEnd(): void {
    this.heard.push(`body ${this.body}`, "end");
    this.body = "";
  }

  responseUpgrade(head: WorkerResponseHead, bytes: Buffer): void {
    this.heard.push(`upgrade ${head.status} ${bytes.toString("latin1")}`);
  }
}

const PLAIN: ExpectedResponse = { headOnly: false, upgrade: false };
const bytes = (text: string) => Buffer.from(text, "latin1");

function parsing(expected: ExpectedResponse = PLAIN, maxHeadBytes = 1024) {
  const sink = new Recorder();
  const parser = new ResponseParser(sink, maxHeadBytes);
  parser.expect(expected);
  return { sink, parser };
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

const answers: readonly { name: string; text: string; expected?: ExpectedResponse; heard: readonly string[]; untilEnd?: true }[] = [
  { name: "Content-Length", text: `${OK}Content-Length: 5\r\n\r\nhello`, heard: ["head 200", "body hello", "end"] },
  { name: "no content", text: `${OK}Content-Length: 0\r\n\r\n`, heard: ["head 200", "body ", "end"] },
  { name: "chunks", text: `${CHUNKED}3\r\nhel\r\n02\r\nlo\r\n0\r\n\r\n`, heard: ["head 200", "body hello", "end"] },
  {
    name: "chunks with extensions, padded lengths and trailers",
    text: `${CHUNKED}00A;a=1;b="x"\r\n0123456789\r\n1  \r\n!\r\n0;last\r\nX-Sum: 1\r\nX-T:\r\n\r\n`,
    heard: ["head 200", "body 0123456789!", "end"],
  },
  { name: "a chunk that contains line ends", text: `${CHUNKED}4\r\n\r\n\r\n\r\n0\r\n\r\n`, heard: ["head 200", "body \r\n\r\n", "end"] },
  { name: "no chunk", text: `${CHUNKED}0\r\n\r\n`, heard: ["head 200", "body ", "end"] },
  { name: "the end of the connection", text: `${OK}\r\nhello`, heard: ["head 200", "body hello", "end"], untilEnd: true },
  { name: "the end of the connection at once", text: `HTTP/1.0 200 OK\r\n\r\n`, heard: ["head 200", "body ", "end"], untilEnd: true },
  { name: "204 without framing", text: "HTTP/1.1 204 No Content\r\n\r\n", heard: ["head 204", "body ", "end"] },
  {
    name: "304 with the length of what it does not send",
    text: "HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n",
    heard: ["head 304", "body ", "end"],
  },
  { name: "204 that says chunked", text: "HTTP/1.1 204 \r\nTransfer-Encoding: chunked\r\n\r\n", heard: ["head 204", "body ", "end"] },
  {
    name: "HEAD with a length",
    text: `${OK}Content-Length: 1234\r\n\r\n`,
    expected: { headOnly: true, upgrade: false },
    heard: ["head 200", "body ", "end"],
  },
  { name: "HEAD, chunked", text: CHUNKED, expected: { headOnly: true, upgrade: false }, heard: ["head 200", "body ", "end"] },
  {
    name: "interim answers before the final one",
    text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`,
    heard: ["head 200", "body x", "end"],
  },
  {
    name: "an upgrade",
    text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    expected: { headOnly: false, upgrade: true },
    heard: ["upgrade 101 "],
  },
  {
    name: "a refused upgrade",
    text: `HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno`,
    expected: { headOnly: false, upgrade: true },
    heard: ["head 403", "body no", "end"],
  },
];

for (const { name, text, expected, heard, untilEnd } of answers) {
  test(`Understood, whole and cut anywhere: ${name}`, () => {
    const all = bytes(text);
    for (let first = 0; first <= all.length; first++) {
      const { sink, parser } = parsing(expected);
      parser.write(all.subarray(0, first));
      parser.write(all.subarray(first));
      if (untilEnd) assert(parser.finish());
      assert.deepEqual(sink.heard, heard, `cut at ${first}`);
      assert(!parser.hasUnexpectedBytes);
      assert(parser.finish());
    }
    const { sink, parser } = parsing(expected);
    for (const byte of all) parser.write(Buffer.from([byte]));
    if (untilEnd) assert(parser.finish());
    assert.deepEqual(sink.heard, heard, "byte by byte");
  });

  test(`Not over before its end: ${name}`, () => {
    for (let length = 0; length < text.length; length++) {
      const { sink, parser } = parsing(expected);
      parser.write(bytes(text.slice(0, length)));
      assert(!sink.heard.includes("end"));
      // Where only the connection's end ends the body, what has come of it is all there is.
      const isBody = untilEnd && sink.heard.length > 0;
      assert.equal(parser.finish(), isBody ?? false, `cut at ${length}`);
    }
  });
}

const malformed: readonly { name: string; text: string }[] = [
  { name: "another protocol, without any line end", text: "SSH-2.0" },
  { name: "a TLS alert", text: "\u0015\u0003\u0003\u0000\u0002\u0002\u0046" },
  { name: "an empty line first", text: `\r\n${OK}\r\n` },
  { name: "a head that is too long", text: `${OK}X-A: ${"a".repeat(1024)}\r\n\r\n` },
  { name: "a head that does not end", text: `${OK}X-A: ${"a".repeat(2048)}` },
  { name: "an upgrade that nobody asked for", text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" },
  { name: "a chunk length that is no number", text: `${CHUNKED}xyz\r\n` },
  { name: "an empty chunk length", text: `${CHUNKED}\r\n` },
  { name: "a negative chunk length", text: `${CHUNKED}-1\r\n` },
  { name: "a chunk length with 0x", text: `${CHUNKED}0x5\r\nhello\r\n` },
  { name: "a chunk length beyond 2^48", text: `${CHUNKED}1000000000000\r\n` },
  { name: "a chunk length that ends with a bare line feed", text: `${CHUNKED}5\nhello\r\n` },
  { name: "a chunk extension that does not end", text: `${CHUNKED}5;${"x".repeat(4096)}` },
  { name: "a control character in a chunk extension", text: `${CHUNKED}5;\u0001\r\n` },
  { name: "a chunk that is longer than announced", text: `${CHUNKED}2\r\nhello\r\n` },
  { name: "a chunk that ends with a bare line feed", text: `${CHUNKED}2\r\nhe\n0\r\n\r\n` },
  { name: "a trailer without a name", text: `${CHUNKED}0\r\n: x\r\n\r\n` },
  { name: "a trailer that ends with a bare line feed", text: `${CHUNKED}0\r\nX: x\n\r\n` },
  { name: "trailers that do not end", text: `${CHUNKED}0\r\n${"X-T: trailer\r\n".repeat(100)}` },
];
for (const { name, text } of malformed) {
  test(`Refused, whole and byte by byte: ${name}`, () => {
    const whole = parsing();
    assert.throws(() => whole.parser.write(bytes(text)), ResponseError);
    assert(!whole.sink.heard.includes("end"));
    const cut = parsing();
    assert.throws(() => {
      for (const byte of bytes(text)) cut.parser.write(Buffer.from([byte]));
    }, ResponseError);
  });
}

test("A head of exactly the limit passes", () => {
  const text = `${OK}X-A: ${"a".repeat(1024 - OK.length - "X-A: ".length)}\r\n\r\n`;
  const { sink, parser } = parsing();
  parser.write(bytes(text));
  assert.deepEqual(sink.heard, ["head 200"]);
});

test("Bytes behind an answer are not taken for another one", () => {
  for (const text of [`${OK}Content-Length: 1\r\n\r\nx`, `${CHUNKED}0\r\n\r\n`, "HTTP/1.1 204 \r\n\r\n"]) {
    const { sink, parser } = parsing();
    parser.write(bytes(`${text}${OK}Content-Length: 0\r\n\r\n`));
    assert.equal(sink.heard.filter((event) => event === "end").length, 1);
    assert(parser.hasUnexpectedBytes);
  }
});

test("Bytes before anything was asked for are unexpected", () => {
  const sink = new Recorder();
  const parser = new ResponseParser(sink, 1024);
  parser.write(bytes("HTTP/1.1 408 Request Timeout\r\n\r\n"));
  assert(parser.hasUnexpectedBytes);
  assert.deepEqual(sink.heard, []);
});

test("The bytes behind an upgrade belong to the new protocol", () => {
  const { sink, parser } = parsing({ headOnly: false, upgrade: true });
  parser.write(bytes("HTTP/1.1 101 Switching Protocols\r\n\r\nframe"));
  assert.deepEqual(sink.heard, ["upgrade 101 frame"]);
  assert(!parser.hasUnexpectedBytes);
});

test("One connection carries answer after answer", () => {
  const { sink, parser } = parsing();
  parser.write(bytes(`${CHUNKED}1\r\na\r\n0\r\nX-T: 1\r\n\r\n`));
  parser.expect({ headOnly: true, upgrade: false });
  parser.write(bytes(`${OK}Content-Length: 7\r\n\r\n`));
  parser.expect(PLAIN);
  parser.write(bytes(`${OK}Content-Length: 1\r\n\r\nb`));
  assert.deepEqual(sink.heard, ["head 200", "body a", "end", "head 200", "body ", "end", "head 200", "body b", "end"]);
});

test("After the sink has said false it hears nothing until resume, and then all of it", () => {
  const { sink, parser } = parsing();
  sink.takesMore = false;
  parser.write(bytes(`${CHUNKED}1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n`));
  assert.equal(sink.body, "a");
  parser.write(bytes("never read"));
  assert.equal(sink.body, "a");
  assert.equal(parser.resume(), false);
  assert.equal(sink.body, "ab");
  sink.takesMore = true;
  assert.equal(parser.resume(), true);
  assert.deepEqual(sink.heard, ["head 200", "body abc", "end"]);
  assert(parser.hasUnexpectedBytes);
});

test("A body arrives in the pieces in which it came, without being gathered", () => {
  const { sink, parser } = parsing();
  parser.write(bytes(`${OK}Content-Length: 6\r\n\r\nab`));
  parser.write(bytes("cd"));
  parser.write(bytes("ef"));
  assert.equal(sink.pieces, 3);
});

test("A sink that cancels hears nothing more", () => {
  for (const text of [`${CHUNKED}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`, `${OK}Content-Length: 1\r\n\r\na`, `${OK}\r\na`]) {
    const { sink, parser } = parsing();
    sink.onData = () => parser.cancel();
    parser.write(bytes(text));
    assert.deepEqual([sink.heard, sink.body], [["head 200"], "a"]);
    assert(!parser.hasUnexpectedBytes);
  }
  const { sink, parser } = parsing();
  const record = sink.responseHead.bind(sink);
  sink.responseHead = (head) => {
    record(head);
    parser.cancel();
  };
  parser.write(bytes(`${OK}Content-Length: 0\r\n\r\n`));
  assert.deepEqual(sink.heard, ["head 200"]);
});
