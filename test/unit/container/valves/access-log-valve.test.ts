import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { ACCESS_LOG_VALVE, sessionIdHash } from "../../../../src/container/index.ts";
import { compileAccessLogPattern } from "../../../../src/container/valves/access-log-pattern.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RawConnection } from "../../../support/raw-http.ts";
import { cookieOf, NOWHERE, RunningContainer } from "../../../support/running-container.ts";

let container: RunningContainer | undefined;

async function logged(pattern: string, target: string, ...headers: string[]): Promise<string> {
  container ??= await RunningContainer.start({
    applications: { shop: "plain" },
    clock: new ManualClock(Date.UTC(2026, 10, 5, 3, 4, 9)),
    valves: [{ className: ACCESS_LOG_VALVE, attributes: { pattern }, location: NOWHERE }],
  });
  const client = await RawConnection.open(container.port);
  client.get(target, "Connection: close", ...headers);
  await client.untilClosed();
  while (container.accessLog.length === 0) await new Promise((resolve) => setImmediate(resolve));
  return container.accessLog.shift()!;
}

afterEach(async () => {
  await container?.stop();
  container = undefined;
});

describe("the access log", () => {
  it("has httpd's common format", async () => {
    assert.equal(
      await logged("common", "/shop/none?a=1"),
      '127.0.0.1 - - [05/Nov/2026:03:04:09 +0000] "GET /shop/none?a=1 HTTP/1.1" 404 31',
    );
    assert.match(await logged("common", "/shop/%"), /"GET \/shop\/% HTTP\/1\.1" 400 \d+$/);
  });

  it("has httpd's combined format, in which no client can forge a line", async () => {
    assert.match(
      await logged("combined", "/shop/url", 'User-Agent: a"b\\c\td', "Referer: http://x/"),
      /" 200 \d+ "http:\/\/x\/" "a\\"b\\\\c\\x09d"$/,
    );
  });

  it("shows session ids only as a hash", async () => {
    await logged('%S %U "%{Cookie}i" "%{Set-Cookie}o"', "/shop/peek");
    const answer = await container!.fetch("/shop/count");
    const id = cookieOf(answer)!.slice("JSESSIONID=".length);
    container!.accessLog.length = 0;
    const line = await logged("", `/shop/peek;jsessionid=${id}`, `Cookie: JSESSIONID=${id}`);
    const hash = sessionIdHash(id);
    assert.match(hash, /^[0-9a-f]{8}$/);
    assert.equal(line, `${hash} /shop/peek;jsessionid=${hash} "JSESSIONID=${hash}" "-"`);
    await container!.fetch("/shop/count");
    assert.doesNotMatch(container!.accessLog.join(), /[0-9A-F]{32}/);
  });

  it("hashes session cookies of any name", async () => {
    container = await RunningContainer.start({
      applications: { shop: "plain" },
      defaults: { sessionCookieName: "sid" },
      valves: [{ className: ACCESS_LOG_VALVE, attributes: { pattern: "%{Cookie}i %{Set-Cookie}o" }, location: NOWHERE }],
    });
    await (await container.fetch("/shop/count", { headers: { cookie: "a=b; sid=0123.n1" } })).text();
    assert.match(container.accessLog[0]!, new RegExp(`^a=b; sid=${sessionIdHash("0123")} sid=[0-9a-f]{8}; Path=/shop`));
  });

  it("knows addresses, method, protocol, query, host, time and literal per cents", async () => {
    assert.equal(
      await logged("%a %A %m %H %q %v %B %D %T %% %l%u", "/shop/url?q=%22"),
      "127.0.0.1 127.0.0.1 GET HTTP/1.1 ?q=%22 localhost 74 0 0.000 % --",
    );
  });

  for (const pattern of ["%z", "%{a}z", "%{a}"]) {
    it(`refuses "${pattern}" and names what it knows`, () => {
      assert.throws(() => compileAccessLogPattern(pattern), {
        code: "ACCESS_LOG_PATTERN",
        message: /unknown directive "%.*Known: .*%h.*%\{name\}i/,
      });
    });
  }
});
