import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServerXmlError } from "../../../../src/config/index.ts";
import { ApiError } from "../../../../src/kube/index.ts";
import { ObstacleError, obstacleOf } from "../../../../src/operator/status/obstacle.ts";

function answered(statusCode: number, message: string): ApiError {
  return new ApiError("PATCH /apis", statusCode, { kind: "Status", message }, "");
}

describe("obstacleOf", () => {
  it("says what was met on the way", () => {
    assert.deepEqual(obstacleOf(new ObstacleError({ reason: "NameClash", message: "taken" })), { reason: "NameClash", message: "taken" });
    assert.equal(obstacleOf(new ServerXmlError("server.xml", []))?.reason, "InvalidServerXml");
  });

  for (const [what, error] of [
    ["an invalid object", answered(422, "spec.replicas: Invalid value")],
    ["what a webhook denies", answered(400, 'admission webhook "policy.example" denied the request')],
    ["what the operator may not do", answered(403, "exceeded quota")],
    [
      "a field that is not declared",
      answered(500, "failed to create typed patch object (web/shop; apps/v1): .spec.foo: field not declared in schema"),
    ],
  ] as const) {
    it(`takes ${what} for refused`, () => assert.deepEqual(obstacleOf(error), { reason: "Refused", message: error.message }));
  }

  it("knows none for what may pass by itself", () => {
    for (const code of [409, 429, 500, 503, 504])
      assert.equal(obstacleOf(answered(code, "etcdserver: request timed out")), undefined, `${code}`);
    assert.equal(obstacleOf(new Error("connection lost")), undefined);
  });
});
