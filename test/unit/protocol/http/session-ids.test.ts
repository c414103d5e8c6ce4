import assert from "node:assert/strict";
import { test } from "node:test";
import { sessionIdsOf } from "../../../../src/protocol/http/session-ids.ts";

const both = { cookie: "JSESSIONID", pathParameter: "jsessionid" };

/** The requests of balancer.md 4.1, and what a stricter reading finds in them. */
const matrix: readonly { target?: string; cookie?: string; ids: readonly string[] }[] = [
  { cookie: "JSESSIONID=abc.r2", ids: ["abc.r2"] },
  { cookie: "JSESSIONID=one.rX; JSESSIONID=two.r2", ids: ["one.rX", "two.r2"] },
  { cookie: "JSESSIONID=a.b.r2", ids: ["a.b.r2"] },
  { cookie: 'JSESSIONID="q.r2"', ids: ["q.r2"] },
  { cookie: "a=1;JSESSIONID=abc.r2;b=2", ids: ["abc.r2"] },
  { cookie: "a=1,  JSESSIONID=x.r1", ids: [] },
  { cookie: "JSESSIONID=abc.r2, b=2", ids: ["abc.r2"] },
  { cookie: "XJSESSIONID=abc.r2; JSESSIONIDX=d.r1", ids: [] },
  { cookie: "other=JSESSIONID=abc.r2", ids: [] },
  { cookie: "jsessionid=x.r2", ids: [] },
  { cookie: "JSESSIONID=", ids: [] },
  { cookie: "JSESSIONID", ids: [] },
  { cookie: "", ids: [] },
  { target: "/x;jsessionid=x.r2", ids: ["x.r2"] },
  { target: "/x;jsessionid=x.r2;foo=1", ids: ["x.r2"] },
  { target: "/x;jsessionid=x.r2/more", ids: ["x.r2"] },
  { target: "/x;jsessionid=x.r2?z=1", ids: ["x.r2"] },
  { target: "/x;foo=1;jsessionid=x.r2", ids: ["x.r2"] },
  { target: "/x?jsessionid=x.r2&z=1", ids: [] },
  { target: "/x?a;jsessionid=x.r2", ids: [] },
  { target: "/x;JSESSIONID=x.r2", ids: [] },
  { target: "/x;jsessionid=", ids: [] },
  { target: "/x;jsessionid=x.r2", cookie: "JSESSIONID=c.r1", ids: ["x.r2", "c.r1"] },
];

for (const { target = "/", cookie = "", ids } of matrix) {
  test(`${target} with Cookie: ${cookie || "none"} carries ${ids.join(", ") || "no session id"}`, () => {
    assert.deepEqual(sessionIdsOf(target, cookie, both), ids);
  });
}

test("The path is not searched when the parameter is disabled", () => {
  assert.deepEqual(sessionIdsOf("/x;jsessionid=x.r2", "JSESSIONID=c.r1", { cookie: "JSESSIONID", pathParameter: undefined }), ["c.r1"]);
});

test("Of hundreds of session cookies the first sixteen count", () => {
  const cookie = Array.from({ length: 500 }, (_, index) => `JSESSIONID=s${index}.r`).join("; ");
  const ids = sessionIdsOf("/", cookie, both);
  assert.equal(ids.length, 16);
  assert.equal(ids[0], "s0.r");
});
