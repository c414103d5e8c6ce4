import assert from "node:assert/strict";
import { test } from "node:test";
import { balancerSettingsHelp, InvalidBalancerSettingsError, parseBalancerSettings } from "../../../src/config/balancer-settings.ts";

const discovery = { type: "DNS", service: "_http._tcp.shop-workers" };

test("A document with only a discovery gets every default", () => {
  const settings = parseBalancerSettings({ discovery });
  assert.deepEqual(settings.listen, { port: 8080, maxConnections: 10_000 });
  assert.deepEqual(settings.management, { port: 9090 });
  assert.equal(settings.method, "ByRequests");
  assert.deepEqual(settings.stickySession, {
    enabled: true,
    force: false,
    cookie: "JSESSIONID",
    pathParameter: { enabled: false, name: "jsessionid" },
  });
  assert.equal(settings.timeouts.keepAliveSeconds, 75);
  assert.equal(settings.limits.headerBytes, 16_384);
  assert.equal(settings.discovery.type === "DNS" && settings.discovery.refreshMilliseconds, 2000);
});

test("What a document says about a part leaves the rest of that part at its defaults", () => {
  const settings = parseBalancerSettings({ discovery, healthCheck: { fall: 5 } });
  assert.equal(settings.healthCheck.fall, 5);
  assert.equal(settings.healthCheck.path, "/readyz");
});

const wrong: readonly { name: string; document: unknown; message: RegExp }[] = [
  { name: "no document", document: undefined, message: /^- The document is empty$/m },
  { name: "an empty document", document: null, message: /^- The document is empty$/m },
  {
    name: "a number in place of a part",
    document: { discovery, listen: 3 },
    message: /^- "listen" is 3: expected object, received number$/m,
  },
  {
    name: "a port that does not exist",
    document: { discovery, listen: { port: 70_000 } },
    message: /^- "listen.port" is 70000: expected number to be <=65535$/m,
  },
  { name: "no discovery", document: {}, message: /^- "discovery" is missing$/m },
  {
    name: "an unknown discovery",
    document: { discovery: { type: "Multicast" } },
    message: /^- "discovery.type" must be one of: DNS, EndpointSlice, Static$/m,
  },
  {
    name: "an API server without TLS",
    document: { discovery: { type: "EndpointSlice", service: "shop-workers", apiServer: "http://10.96.0.1" } },
    message: /^- "discovery.apiServer" is "http:\/\/10.96.0.1": must be an https address$/m,
  },
  {
    name: "an unknown field at the top",
    document: { discovery, healthcheck: {} },
    message: /^- The document has the unknown field "healthcheck"; known are: listen, management, discovery, .*healthCheck/m,
  },
  {
    name: "an unknown field below",
    document: { discovery, stickySession: { forse: true } },
    message: /^- "stickySession" has the unknown field "forse"; known are: enabled, force, cookie, pathParameter$/m,
  },
  {
    name: "a wrong type",
    document: { discovery, listen: { port: "80" } },
    message: /^- "listen.port" is "80": .*expected number/m,
  },
  {
    name: "a route with a dot, where every container cuts it",
    document: { discovery: { type: "Static", workers: [{ name: "shop.0", address: "127.0.0.1", port: 80 }] } },
    message: /^- "discovery.workers.0.name" is "shop.0": must be 1 to 59/m,
  },
  {
    name: "a host name in place of an address",
    document: { discovery: { type: "Static", workers: [{ name: "a", address: "localhost", port: 80 }] } },
    message: /^- "discovery.workers.0.address" is "localhost": must be an IP address$/m,
  },
  {
    name: "two workers of one route",
    document: {
      discovery: {
        type: "Static",
        workers: [
          { name: "a", address: "127.0.0.1", port: 80 },
          { name: "b", route: "a", address: "127.0.0.1", port: 81 },
        ],
      },
    },
    message: /two workers have the same route$/m,
  },
  {
    name: "a value of many characters, shortened",
    document: { discovery, method: "x".repeat(5000) },
    message: /^- "method" is "x{79}…: /m,
  },
];

for (const { name, document, message } of wrong) {
  test(`Refused with its place and what is known: ${name}`, () => {
    assert.throws(
      () => parseBalancerSettings(document, "balancer.yaml"),
      (error) => {
        assert(error instanceof InvalidBalancerSettingsError);
        assert.equal(error.code, "INVALID_BALANCER_SETTINGS");
        assert.match(error.message, /^The balancer settings "balancer.yaml" cannot be used:/);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test("Every problem of a document is told at once", () => {
  assert.throws(() => parseBalancerSettings({ discovery, method: "Random", forwarded: "Drop" }), /"method"[\s\S]*"forwarded"/);
});

test("The help names every field with its type and default", () => {
  const help = balancerSettingsHelp();
  assert.match(help, /^ {2}port: <integer> {2}# port that clients connect to; 0: any free one \(default 8080\)$/m);
  assert.match(help, /^ {4}- name: <string>/m);
  assert.match(help, /^ {4}enabled: <boolean> .*\(default false\)$/m);
  assert.match(help, /^forwarded: <Replace \| Append>/m);
});
