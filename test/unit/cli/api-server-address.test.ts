import assert from "node:assert/strict";
import { test } from "node:test";
import { apiServerAddress } from "../../../src/cli/api-server-address.ts";

const cases: readonly (readonly [string, Record<string, string>, string | undefined])[] = [
  ["outside of a pod", {}, undefined],
  ["in a pod", { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "6443" }, "https://10.96.0.1:6443"],
  ["in a pod of an IPv6 cluster", { KUBERNETES_SERVICE_HOST: "fd00:10::1", KUBERNETES_SERVICE_PORT: "443" }, "https://[fd00:10::1]:443"],
  ["where somebody set the host alone", { KUBERNETES_SERVICE_HOST: "api.internal" }, "https://api.internal:443"],
  ["where somebody took it away", { KUBERNETES_SERVICE_HOST: "" }, undefined],
];

for (const [where, environment, expected] of cases) {
  test(`The API server's address ${where} is ${expected ?? "unknown"}`, () => {
    assert.equal(apiServerAddress(environment), expected);
  });
}
