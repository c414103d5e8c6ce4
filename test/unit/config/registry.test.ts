import assert from "node:assert/strict";
import { test } from "node:test";
import { convertAttribute } from "../../../src/config/attribute-type.ts";
import { ELEMENTS } from "../../../src/config/registry/elements.ts";
import { classesOf, defaultAttributes, describeServerXml, findClass } from "../../../src/config/registry/registry.ts";

const CLASSES = Object.keys(ELEMENTS).flatMap((element) => classesOf(element));

test("every child element has an entry, and its default class too", () => {
  for (const [name, { children }] of Object.entries(ELEMENTS)) {
    for (const [child, { defaultClassName }] of Object.entries(children)) {
      assert.ok(Object.hasOwn(ELEMENTS, child), `${child} in ${name}`);
      if (defaultClassName !== undefined) assert.equal(findClass(child, defaultClassName)?.support.status, "works", `${child} in ${name}`);
    }
  }
});

test("no class stands twice, and each alias leads to a class that works", () => {
  const keys = CLASSES.map(({ element, className }) => `${element} ${className}`);
  assert.equal(new Set(keys).size, keys.length);
  for (const { element, support } of CLASSES) {
    if (support.status === "history" && support.useInstead !== undefined)
      assert.equal(findClass(element, support.useInstead)?.support.status, "works");
  }
});

test("every parent that a class names may contain its element", () => {
  for (const { element, className, parents = [] } of CLASSES) {
    for (const parent of parents) assert.ok(ELEMENTS[parent]?.children[element], `${className} in ${parent}`);
  }
});

test("every default is a value of its attribute's type", () => {
  for (const { className, attributes } of CLASSES) {
    for (const [name, entry] of Object.entries(attributes === "any" ? {} : attributes)) {
      if (entry.default === undefined || entry.support.status !== "works" || name === "membershipProviderClassName") continue;
      const converted = convertAttribute(entry.type, String(entry.default));
      assert.deepEqual(converted, { value: entry.default }, `${className} ${name}`);
    }
  }
});

test("the printed reference explains each attribute and marks those of our own", () => {
  const rows = describeServerXml();
  assert.ok(rows.length > 60);
  for (const { className, attribute, description } of rows) assert.notEqual(description, "", `${className} ${attribute}`);
  const ours = rows.filter((row) => row.ours).map((row) => `${row.element} ${row.attribute}`);
  assert.ok(ours.includes("Membership dnsName"));
  assert.ok(ours.includes("Receiver maxFrameBytes"));
  assert.ok(!ours.includes("Receiver port"));
});

/** ha.md 3.1, 9; tribes.md 7, 8, 12.1, 12.2. */
for (const [element, className, expected] of [
  [
    "Manager",
    "org.apache.catalina.ha.session.DeltaManager",
    {
      expireSessionsOnShutdown: false,
      stateTransferTimeout: 60,
      recordAllActions: false,
      processExpiresFrequency: 6,
    },
  ],
  [
    "Receiver",
    "org.apache.catalina.tribes.transport.nio.NioReceiver",
    { address: "auto", port: 4000, autoBind: 100, tcpNoDelay: true, soKeepAlive: false },
  ],
  [
    "Transport",
    "org.apache.catalina.tribes.transport.nio.PooledParallelSender",
    { timeout: 3000, maxRetryAttempts: 1, keepAliveTime: -1, keepAliveCount: -1, poolSize: 25, tcpNoDelay: true, soKeepAlive: false },
  ],
  [
    "Interceptor",
    "org.apache.catalina.tribes.group.interceptors.MessageDispatchInterceptor",
    { maxQueueSize: 67_108_864, alwaysSend: true },
  ],
  [
    "Interceptor",
    "org.apache.catalina.tribes.group.interceptors.TcpFailureDetector",
    { connectTimeout: 1000, performSendTest: true, performReadTest: false, readTestTimeout: 5000, removeSuspectsTimeout: 300 },
  ],
  [
    "Valve",
    "org.apache.catalina.ha.tcp.ReplicationValve",
    { primaryIndicator: false, primaryIndicatorName: "org.apache.catalina.ha.tcp.isPrimarySession" },
  ],
] as const) {
  test(`${className} has Tomcat's defaults`, () => {
    assert.partialDeepStrictEqual(defaultAttributes(element, className), expected);
  });
}
