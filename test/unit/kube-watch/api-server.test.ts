import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { systemClock, systemRandom } from "../../../src/base/index.ts";
import { ApiServer } from "../../../src/kube-watch/api-server.ts";
import { ApiConnectionError, ApiRefusalError, ApiSilenceError } from "../../../src/kube-watch/errors.ts";
import { ServiceAccountError } from "../../../src/kube-watch/service-account.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { FakeApiServer, json, refusal, silence, stream } from "../../support/fake-api-server.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const PATH = "/api/v1/namespaces/shop/things?limit=1";

let folder: string;
let certificate: { readonly cert: string; readonly key: string };

before(() => {
  folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-account-"));
  certificate = makeCertificate(folder, "server");
  makeCertificate(folder, "stranger");
});

after(() => rmSync(folder, { recursive: true }));

/** A fake API server, and a client whose service account trusts it. */
async function serverAndClient(context: TestContext) {
  const server = await FakeApiServer.start(certificate);
  context.after(() => server.stop());
  server.answers = [json({})];
  const directory = mkdtempSync(join(folder, "account-"));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  write("token", "first\n");
  write("ca.crt", certificate.cert);
  write("namespace", "shop");
  const clock = new ManualClock();
  const client = new ApiServer({ clock, random: systemRandom }, { url: server.url, serviceAccountDirectory: directory });
  const abort = new AbortController();
  context.after(() => abort.abort());
  const read = () => client.read(PATH, { answerMs: 1000, silenceMs: 5000, signal: abort.signal });
  const text = async () => {
    let all = "";
    for await (const chunk of await read()) all += chunk.toString();
    return all;
  };
  return { server, clock, client, directory, write, abort, read, text };
}

describe("ApiServer", () => {
  it("asks with the mounted token, and gives the body as it comes", async (context) => {
    const { server, clock, text } = await serverAndClient(context);
    server.answers = [json({ items: [1, 2] })];
    assert.equal(await text(), '{"items":[1,2]}');
    const { path, query, headers } = server.requests[0]!;
    assert.deepEqual([path, query.limit], ["/api/v1/namespaces/shop/things", "1"]);
    assert.deepEqual([headers.authorization, headers["user-agent"]], ["Bearer first", "tomcat-cluster"]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("takes a replaced token with the next read", async (context) => {
    const { server, write, text } = await serverAndClient(context);
    await text();
    write("token", "second");
    await text();
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ["Bearer first", "Bearer second"],
    );
  });

  it("trusts only who the mounted CA vouches for, and sends nobody else the token", async (context) => {
    const { server, client, directory, text } = await serverAndClient(context);
    writeFileSync(join(directory, "ca.crt"), makeCertificate(folder, "other").cert);
    await assert.rejects(text(), (error) => error instanceof ApiConnectionError && /self-signed certificate/.test(error.message));
    assert.equal(server.requests.length, 0);
    assert.equal(await client.namespace(), "shop");
  });

  for (const name of ["token", "ca.crt", "namespace"]) {
    it(`names the file when the service account has no ${name}`, async (context) => {
      const { client, directory, text } = await serverAndClient(context);
      rmSync(join(directory, name));
      await assert.rejects(name === "namespace" ? client.namespace() : text(), (error) => {
        assert.ok(error instanceof ServiceAccountError);
        assert.ok(error.message.includes(`"${join(directory, name)}" cannot be read: there is no such file.`));
        return true;
      });
    });
  }

  it("says with what the API server refused, and for how long it wants to be left alone", async (context) => {
    const { server, clock, text } = await serverAndClient(context);
    server.answers = [
      refusal(403, "Forbidden"),
      refusal(429, "TooManyRequests", { "Retry-After": "7" }),
      json("no Status", 502),
      (_request, response) => response.writeHead(503, { "Retry-After": "86400" }).end("<html>busy</html>"),
      json({}, 204),
    ];
    const seen: [number, number, string][] = [];
    for (let reads = 0; reads < 5; reads++) {
      await assert.rejects(text(), (error) => {
        assert.ok(error instanceof ApiRefusalError);
        seen.push([error.status, error.retryAfterMs, error.message.replace(`"${PATH}" was answered `, "")]);
        return true;
      });
    }
    assert.deepEqual(seen, [
      [403, 0, "403: it is Forbidden"],
      [429, 7000, "429: it is TooManyRequests"],
      [502, 0, "502"],
      [503, 60_000, "503: <html>busy</html>"],
      [204, 0, "204"],
    ]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("gives up an API server that does not begin to answer", async (context) => {
    const { server, clock, read } = await serverAndClient(context);
    server.answers = [silence];
    const rejected = assert.rejects(read(), ApiSilenceError);
    await server.received(1);
    await clock.advance(1000);
    await rejected;
    assert.equal(clock.pendingTimers, 0);
  });

  it("gives up a body that pauses for too long, however long it went on before", async (context) => {
    const { server, clock, read } = await serverAndClient(context);
    let write = (_text: string): void => undefined;
    server.answers = [
      (_request, response) => {
        response.writeHead(200).flushHeaders();
        write = (text) => void response.write(text);
      },
    ];
    const pieces = (await read())[Symbol.asyncIterator]();
    for (const piece of ["one", "two", "three"]) {
      const next = pieces.next();
      await clock.advance(4999);
      write(piece);
      assert.equal(String((await next).value), piece);
    }
    const rejected = assert.rejects(pieces.next(), ApiSilenceError);
    await clock.advance(5000);
    await rejected;
    assert.equal(clock.pendingTimers, 0);
  });

  it("tells a connection that breaks in the body, or that nobody accepts, as such", async (context) => {
    const { server, clock, read, text } = await serverAndClient(context);
    server.answers = [
      (_request, response) => {
        response.writeHead(200).write("one");
        response.socket!.destroy();
      },
    ];
    await assert.rejects(text(), ApiConnectionError);
    await server.stop();
    await assert.rejects(read(), ApiConnectionError);
    assert.equal(clock.pendingTimers, 0);
  });

  it("ends with its signal, before and while it reads", async (context) => {
    const { server, clock, abort, read } = await serverAndClient(context);
    server.answers = [stream("one")];
    const pieces = (await read())[Symbol.asyncIterator]();
    assert.equal(String((await pieces.next()).value), "one");
    const rejected = assert.rejects(pieces.next(), ApiConnectionError);
    abort.abort();
    await rejected;
    await assert.rejects(read(), ApiConnectionError);
    assert.equal(clock.pendingTimers, 0);
  });

  it("keeps a list up to date over a real connection until it is stopped", async (context) => {
    const { server, directory } = await serverAndClient(context);
    const thing = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
    server.answers = [
      json({ metadata: { resourceVersion: "7" }, items: [thing("a", "3")] }),
      stream(`${JSON.stringify({ type: "ADDED", object: thing("b", "8") })}\n`),
    ];
    const client = new ApiServer({ clock: systemClock, random: systemRandom }, { url: server.url, serviceAccountDirectory: directory });
    const heard: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const watch = client.watchList(
        { path: "/api/v1/namespaces/shop/things" },
        {
          listed: (objects) => {
            heard.push(objects.map(({ metadata }) => metadata.name).join(" "));
            if (heard.length === 2) watch.stop().then(resolve, reject);
          },
          lost: reject,
          regained: () => reject(new Error("It was never lost")),
        },
      );
    });
    assert.deepEqual(heard, ["a", "a b"]);
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ["/api/v1/namespaces/shop/things", "/api/v1/namespaces/shop/things"],
    );
  });
});
