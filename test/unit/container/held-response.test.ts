// Rule 7: what the application wrote last leaves only after the work that must come before it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { after, afterEach, before, describe, it } from "node:test";
import { HeldResponse, type HeldResponseOwner } from "../../../src/container/held-response.ts";
import { HeldResponseSweeper } from "../../../src/container/held-response-sweeper.ts";
import { appendToHead } from "../../../src/container/response-head.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { RawConnection, settled } from "../../support/raw-http.ts";

type Listener = (res: ServerResponse, held: HeldResponse) => void;

/** Does its work when the test says so, and remembers the order of events. */
class Work implements HeldResponseOwner {
  readonly events: string[] = [];
  readonly completion: Promise<void>;
  cookie: string | undefined;
  atOnce = true;
  during: (() => void) | undefined;
  #finish!: () => void;
  #started!: () => void;
  #complete!: () => void;
  readonly #finished = new Promise<void>((resolve) => {
    this.#finish = resolve;
  });
  readonly started = new Promise<void>((resolve) => {
    this.#started = resolve;
  });

  constructor() {
    this.completion = new Promise((resolve) => {
      this.#complete = resolve;
    });
  }

  finish(): void {
    this.#finish();
  }

  beforeLastBytes(): void | Promise<void> {
    this.events.push("work");
    this.#started();
    this.during?.();
    return this.atOnce ? undefined : this.#finished;
  }

  headLeaves(response: ServerResponse): void {
    this.events.push("head");
    if (this.cookie !== undefined) appendToHead(response, "Set-Cookie", this.cookie);
  }

  completed(): void {
    this.events.push("completed");
    this.#complete();
  }

  releaseFailed(error: unknown): void {
    this.events.push(`failed ${(error as Error).message}`);
  }
}

const clock = new ManualClock();
const sweeper = new HeldResponseSweeper(clock);
let server: Server;
let port: number;
let work: Work;
let listener: Listener;
let client: RawConnection;

before(async () => {
  server = createServer((_req, res) => listener(res, new HeldResponse(res, work, sweeper)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
afterEach(() => client.destroy());

async function request(serve: Listener, options: { work?: Partial<Work>; method?: string } = {}): Promise<void> {
  work = Object.assign(new Work(), options.work);
  listener = serve;
  client = await RawConnection.open(port);
  client.request(options.method ?? "GET", "/", "Connection: close");
}

function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

describe("an answer that is held (rule 7)", () => {
  it("leaves in the turn of end() when the work needs no time", async () => {
    let sentAtEnd = false;
    await request((res) => {
      res.end("all");
      sentAtEnd = res.writableEnded && res.headersSent;
    });
    assert.equal(bodyOf(await client.untilClosed()), "all");
    assert.ok(sentAtEnd);
    await work.completion;
    assert.deepEqual(work.events, ["work", "head", "completed"]);
  });

  it("waits for the work after end()", async () => {
    await request((res) => res.end("all"), { work: { atOnce: false } });
    await work.started;
    await settled(port);
    assert.equal(client.received, "");
    work.finish();
    assert.match(await client.untilClosed(), /Content-Length: 3\r\n\r\nall$/);
    await work.completion;
    assert.deepEqual(work.events, ["work", "head", "completed"]);
  });

  it("keeps writes with the end as long as they are at most 32 KiB together", async () => {
    await request(
      (res) => {
        assert.equal(res.write("a".repeat(16_384)), true);
        assert.equal(res.write(Buffer.alloc(16_384, "b")), true);
        res.end();
      },
      { work: { atOnce: false } },
    );
    await work.started;
    await settled(port);
    assert.equal(client.received, "");
    work.finish();
    const answer = await client.untilClosed();
    assert.match(answer, /Transfer-Encoding: chunked/);
    assert.ok(answer.includes("a".repeat(16_384)) && answer.includes("b".repeat(16_384)) && answer.endsWith("\r\n0\r\n\r\n"));
  });

  it("counts the body, not the head: headers of any size wait for the work with a short body", async () => {
    await request(
      (res) => {
        for (let index = 0; index < 40; index++) res.setHeader(`X-Long-${index}`, "h".repeat(1024));
        res.write("a".repeat(16_384));
        res.end("b".repeat(16_384));
      },
      { work: { atOnce: false, cookie: "n=2" } },
    );
    await work.started;
    await settled(port);
    assert.equal(client.received, "");
    work.finish();
    const answer = await client.untilClosed();
    assert.match(answer, /X-Long-39: h{1024}\r\n/);
    assert.match(answer, /Set-Cookie: n=2\r\n/);
  });

  it("lets the body of a longer one go and keeps its end", async () => {
    await request(
      (res) => {
        res.write("a".repeat(16_384));
        res.write("b".repeat(16_385));
        res.write("c");
        res.end("d");
      },
      { work: { atOnce: false } },
    );
    const before = await client.until("\r\nc\r\n");
    await settled(port);
    assert.ok(!client.received.includes("0\r\n\r\n"), "the chunk that ends the answer is held");
    assert.ok(before.includes("b".repeat(16_385)));
    work.finish();
    assert.ok((await client.untilClosed()).endsWith("1\r\nd\r\n0\r\n\r\n"));
    assert.deepEqual(work.events.slice(0, 2), ["head", "work"]);
  });

  it("starts the work with the byte that completes Content-Length, and end() adds nothing", async () => {
    let response!: ServerResponse;
    await request(
      (res) => {
        response = res;
        res.writeHead(200, { "Content-Length": "6" });
        res.write("abc");
        res.write("def");
      },
      { work: { atOnce: false } },
    );
    await work.started;
    await settled(port);
    assert.equal(client.received, "");
    work.finish();
    assert.equal(bodyOf(await client.until("abcdef")), "abcdef");
    response.end();
    await client.untilClosed();
    await work.completion;
    assert.deepEqual(work.events, ["work", "head", "completed"]);
  });

  it("holds only the chunk that completes Content-Length of a longer one, and an end() that comes meanwhile", async () => {
    await request(
      (res) => {
        res.setHeader("Content-Length", 40_003);
        res.write("x".repeat(40_000));
        res.write("ab");
        res.write("c");
        res.end();
        assert.equal(res.writableEnded, true);
      },
      { work: { atOnce: false } },
    );
    await client.until("xab");
    await settled(port);
    assert.ok(client.received.endsWith("xab"));
    work.finish();
    assert.ok((await client.untilClosed()).endsWith("xabc"));
    assert.equal(work.events.filter((event) => event === "work").length, 1);
  });

  it("goes after 100 ms when the application writes and then waits, and its end stays", async () => {
    let response!: ServerResponse;
    await request((res) => {
      response = res;
      res.write("part");
    });
    await settled(port);
    await clock.advance(99);
    await settled(port);
    assert.equal(client.received, "");
    assert.equal(clock.pendingTimers, 1);
    await clock.advance(1);
    await client.until("part");
    assert.equal(clock.pendingTimers, 0);
    assert.deepEqual(work.events, ["head"]);
    response.end();
    await client.untilClosed();
  });

  for (const [what, listen] of [
    ["flushHeaders()", (res: ServerResponse) => res.flushHeaders()],
    [
      "a first event of text/event-stream",
      (res: ServerResponse) => {
        res.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
        res.write("data: 1\n\n");
      },
    ],
    ["a write that asks to be called back", (res: ServerResponse) => res.write("x", () => res.write("called"))],
  ] as const) {
    it(`is not held back after ${what}`, async () => {
      await request(
        (res) => {
          listen(res);
          setImmediate(() => res.write("more"));
        },
        { work: { cookie: "a=1", atOnce: false } },
      );
      const answer = await client.until("more");
      assert.match(answer, /Set-Cookie: a=1/);
      assert.deepEqual(work.events, ["head"]);
    });
  }

  for (const [method, status] of [
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ] as const) {
    it(`is its head for ${method} with ${status}, which waits although the application writes and flushes`, async () => {
      await request(
        (res) => {
          res.statusCode = status;
          res.flushHeaders();
          assert.equal(res.write("ignored"), true);
          res.end();
        },
        { work: { atOnce: false, cookie: "a=1" }, method },
      );
      await work.started;
      await clock.advance(200);
      await settled(port);
      assert.equal(client.received, "");
      work.finish();
      const answer = await client.untilClosed();
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} .*Set-Cookie: a=1`, "s"));
      assert.equal(bodyOf(answer), "");
    });
  }

  it("looks sent and ended to the application", async () => {
    const seen: unknown[] = [];
    await request(
      (res) => {
        res.writeHead(201);
        seen.push(res.headersSent);
        for (const attempt of [
          () => res.setHeader("a", "b"),
          () => res.appendHeader("a", "b"),
          () => res.removeHeader("a"),
          () => res.setHeaders(new Map([["a", "b"]])),
          () => res.writeHead(500, { a: "b" }),
        ]) {
          assert.throws(attempt, { code: "ERR_HTTP_HEADERS_SENT" });
        }
        res.statusCode = 500;
        seen.push(res.writableEnded);
        res.end("x");
        seen.push(res.writableEnded, res.finished, res.writableFinished);
      },
      { work: { atOnce: false } },
    );
    await work.started;
    assert.deepEqual(seen, [true, false, true, true, false]);
    work.finish();
    assert.match(await client.untilClosed(), /^HTTP\/1.1 201 Created/);
  });

  it("emits finish and close, and calls the callbacks of write and end, after it has left", async () => {
    const events: string[] = [];
    await request(
      (res) => {
        res.on("finish", () => events.push(`finish ${res.writableFinished}`));
        res.on("close", () => events.push("close"));
        res.write("a");
        res.end("b", () => events.push("ended"));
      },
      { work: { atOnce: false } },
    );
    await work.started;
    await settled(port);
    assert.deepEqual(events, []);
    work.finish();
    await client.untilClosed();
    await work.completion;
    assert.deepEqual(events, ["ended", "finish true", "close"]);
  });

  it("answers writes after end() as node:http does", async () => {
    const codes: (string | undefined)[] = [];
    await request(
      (res) => {
        res.on("error", (error: NodeJS.ErrnoException) => codes.push(error.code));
        res.end("x");
        res.write("late");
        res.end("later");
      },
      { work: { atOnce: false } },
    );
    await work.started;
    await settled(port);
    work.finish();
    assert.equal(bodyOf(await client.untilClosed()), "x");
    assert.deepEqual(codes, ["ERR_STREAM_WRITE_AFTER_END", "ERR_STREAM_WRITE_AFTER_END"]);
  });

  it("refuses what node:http refuses, and can still be answered", async () => {
    await request((res) => {
      assert.throws(() => res.writeHead(99), { code: "ERR_HTTP_INVALID_STATUS_CODE" });
      assert.throws(() => res.writeHead(200, "bad\nreason"), { code: "ERR_INVALID_CHAR" });
      assert.throws(() => res.write(5 as unknown as string), { code: "ERR_INVALID_ARG_TYPE" });
      res.end("ok");
    });
    assert.equal(bodyOf(await client.untilClosed()), "ok");
  });

  it("cuts the connection and says so when what was held cannot be written", async () => {
    await request(
      (res) => {
        res.end("x");
      },
      { work: { atOnce: false } },
    );
    await work.started;
    work.headLeaves = () => {
      throw new Error("no head");
    };
    work.finish();
    assert.equal(await client.untilClosed(), "");
    assert.deepEqual(work.events.slice(0, 2), ["work", "failed no head"]);
  });

  it("cuts the connection and says so when what the application left standing cannot be written, and lets others go", async () => {
    const other = await RawConnection.open(port);
    await request((res) => {
      res.setHeader("Trailer", "X-Sum");
      res.setHeader("Content-Length", 10);
      res.write("part");
    });
    await settled(port);
    listener = (res) => void res.write("second");
    other.request("GET", "/");
    await settled(port);
    await clock.advance(100);
    assert.equal(await client.untilClosed(), "");
    assert.ok(
      work.events.some((event) => event.startsWith("failed") && event.includes("Trailers")),
      work.events.join(),
    );
    await other.until("second");
    other.destroy();
    assert.equal(clock.pendingTimers, 0);
  });

  it("keeps back-pressure: a stream of 4 MB arrives whole and waits for the client", async () => {
    let refusals = 0;
    await request((res) => {
      const { write } = res;
      res.write = function (this: ServerResponse, ...given: unknown[]) {
        const more = Reflect.apply(write, this, given) as boolean;
        if (!more) refusals++;
        return more;
      } as ServerResponse["write"];
      const chunk = Buffer.alloc(64 * 1024, "x");
      Readable.from(Array.from({ length: 64 }, () => chunk)).pipe(res);
    });
    const answer = await client.untilClosed();
    assert.equal(answer.split("x").length - 1, 64 * 64 * 1024);
    assert.ok(refusals > 0);
  });

  it("ends a corked answer after its chunks", async () => {
    await request((res) => {
      res.cork();
      for (const part of ["a", "b", "c"]) res.write(part);
      res.end();
    });
    assert.match(await client.untilClosed(), /c\r\n0\r\n\r\n$/);
  });

  it("carries trailers", async () => {
    await request((res) => {
      res.writeHead(200, { Trailer: "Sum" });
      res.write("a");
      res.addTrailers({ Sum: "1" });
      res.end();
    });
    assert.ok((await client.untilClosed()).endsWith("0\r\nSum: 1\r\n\r\n"));
  });
});

describe("the head of an answer that is held", () => {
  const twice = ["Set-Cookie", "b=2", "Set-Cookie", "c=3", "X-One", "1"];
  for (const [form, writeHead, status] of [
    ["an object", (res: ServerResponse) => res.writeHead(200, { "set-cookie": ["b=2", "c=3"], "X-One": 1 }), "200 OK"],
    [
      "a reason and an object",
      (res: ServerResponse) => res.writeHead(200, "Fine", { "Set-Cookie": ["b=2", "c=3"], "X-One": "1" }),
      "200 Fine",
    ],
    ["a flat list", (res: ServerResponse) => res.writeHead(200, twice), "200 OK"],
    [
      "a list of pairs",
      (res: ServerResponse) =>
        res.writeHead(200, [
          ["Set-Cookie", "b=2"],
          ["Set-Cookie", "c=3"],
          ["X-One", "1"],
        ] as unknown as string[]),
      "200 OK",
    ],
  ] as const) {
    it(`takes ${form} from writeHead, in place of what was set before, and keeps the late cookie`, async () => {
      await request(
        (res) => {
          res.setHeader("X-One", "0");
          writeHead(res);
          res.end("x");
        },
        { work: { cookie: "a=1" } },
      );
      const answer = await client.untilClosed();
      assert.ok(answer.startsWith(`HTTP/1.1 ${status}\r\n`), answer);
      assert.deepEqual([...answer.matchAll(/set-cookie: (.*)\r\n/gi)].map((match) => match[1]).sort(), ["a=1", "b=2", "c=3"]);
      assert.deepEqual(
        [...answer.matchAll(/X-One: (.*)\r\n/gi)].map((match) => match[1]),
        ["1"],
      );
    });
  }

  it("goes through a middleware's writeHead exactly once, before the work, and through its setHeader", async () => {
    await request((res) => {
      const inner = res.writeHead;
      res.writeHead = function (this: ServerResponse, ...given: unknown[]) {
        work.events.push("middleware");
        this.setHeader("X-Middleware", "yes");
        return Reflect.apply(inner, this, given) as ServerResponse;
      } as ServerResponse["writeHead"];
      res.end("x");
    });
    assert.match(await client.untilClosed(), /X-Middleware: yes/);
    await work.completion;
    assert.deepEqual(work.events, ["middleware", "work", "head", "completed"]);
  });

  it("may be asked for again by middleware that looks at internals of node:http", async () => {
    await request((res) => {
      const internals = res as ServerResponse & { _implicitHeader(): void };
      internals._implicitHeader();
      internals._implicitHeader();
      res.end("x");
    });
    assert.equal(bodyOf(await client.untilClosed()), "x");
  });
});

describe("an answer that is replaced", () => {
  const headers = { "Content-Type": "text/plain" };

  it("takes the place of what the application wrote, from inside the work", async () => {
    let held!: HeldResponse;
    let replaced: boolean | undefined;
    await request(
      (res, own) => {
        held = own;
        res.writeHead(200, { "Content-Type": "application/json", "X-App": "1", "Content-Length": 2 });
        res.end("{}");
      },
      {
        work: {
          cookie: "a=1",
          during: () => {
            replaced = held.replace(503, headers, "not durable");
          },
        },
      },
    );
    const answer = await client.untilClosed();
    assert.equal(replaced, true);
    assert.match(answer, /^HTTP\/1.1 503 Service Unavailable\r\n/);
    assert.match(answer, /Content-Length: 11\r\n/);
    assert.match(answer, /Set-Cookie: a=1/);
    assert.doesNotMatch(answer, /X-App/);
    assert.equal(bodyOf(answer), "not durable");
  });

  it("ends an answer that the application has begun, whose later writes change nothing", async () => {
    const called: string[] = [];
    await request((res, held) => {
      res.write("half");
      assert.equal(held.replace(500, headers, "broken"), true);
      assert.equal(
        res.write("more", () => called.push("write")),
        true,
      );
      res.end("end", () => called.push("end"));
    });
    const answer = await client.untilClosed();
    assert.match(answer, /^HTTP\/1.1 500 /);
    assert.equal(bodyOf(answer), "broken");
    await work.completion;
    assert.deepEqual(called.sort(), ["end", "write"]);
    assert.deepEqual(work.events, ["work", "head", "completed"]);
  });

  it("is refused when bytes have left", async () => {
    let replaced: boolean | undefined;
    await request((res, held) => {
      res.flushHeaders();
      replaced = held.replace(500, headers, "broken");
      res.end("fine");
    });
    assert.match(await client.untilClosed(), /fine/);
    assert.equal(replaced, false);
  });

  it("takes the place of what completes Content-Length, before the application calls end()", async () => {
    let held!: HeldResponse;
    let response!: ServerResponse;
    await request(
      (res, own) => {
        held = own;
        response = res;
        res.setHeader("Content-Length", 4);
        res.write("full");
      },
      { work: { atOnce: false } },
    );
    await work.started;
    assert.equal(held.replace(503, headers, "no"), true);
    response.end();
    work.finish();
    const answer = await client.untilClosed();
    assert.match(answer, /^HTTP\/1.1 503 .*Content-Length: 2\r\n/s);
    assert.equal(bodyOf(answer), "no");
  });
});

describe("a client that goes away", () => {
  it("before the end: the work is done at once, and again at a late end() for what the application did in between", async () => {
    let response!: ServerResponse;
    await request((res) => {
      response = res;
      res.write("part");
    });
    await settled(port);
    client.destroy();
    await work.completion;
    response.write("late");
    response.end("later");
    await settled(port);
    assert.deepEqual(
      work.events.filter((event) => event !== "head"),
      ["work", "completed", "work"],
    );
    await clock.advance(100);
    assert.equal(clock.pendingTimers, 0, "nothing waits for the sweep");
  });

  it("during the work: the request is complete only after it", async () => {
    await request((res) => res.end("x"), { work: { atOnce: false } });
    await work.started;
    client.destroy();
    await settled(port);
    assert.deepEqual(work.events, ["work"]);
    work.finish();
    await work.completion;
    assert.deepEqual(work.events, ["work", "head", "completed"]);
  });
});
