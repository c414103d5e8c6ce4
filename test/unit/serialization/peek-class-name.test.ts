import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { peekClassName } from "../../../src/serialization/index.ts";
import { javaStream } from "../../support/java-values.ts";
import { tribesVector } from "../../support/tribes-vectors.ts";

describe("peekClassName", () => {
  const rows: readonly (readonly [string, Buffer, string | undefined])[] = [
    ["a session message", tribesVector("session-delta").bytes, "org.apache.catalina.ha.session.SessionMessageImpl"],
    ["an RPC message", tribesVector("rpc-request").bytes, "org.apache.catalina.tribes.group.RpcMessage"],
    ["an array", javaStream("bytes"), "[B"],
    ["an enum constant", javaStream("enum"), "JavaValues$Color"],
    ["a string", javaStream("string"), "java.lang.String"],
    ["null", javaStream("null"), undefined],
    ["primitives", tribesVector("deltarequest-empty").bytes, undefined],
    ["a proxy", javaStream("proxy"), undefined],
    ["bytes that are no stream", Buffer.from("hello tribes"), undefined],
    ["nothing", Buffer.alloc(0), undefined],
    ["a name that is cut", tribesVector("session-delta").bytes.subarray(0, 20), undefined],
  ];
  for (const [name, bytes, expected] of rows) {
    it(`of ${name} is ${expected ?? "unknown"}`, () => assert.equal(peekClassName(bytes), expected));
  }
});
