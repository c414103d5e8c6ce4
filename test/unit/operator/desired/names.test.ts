import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTomcatCluster } from "../../../../src/api/index.ts";
import * as desired from "../../../../src/operator/desired/index.ts";

const LONGEST = "a".repeat(40);

function cluster(name: string, replicas: number) {
  return parseTomcatCluster({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name }, spec: { replicas } });
}

test("names are those that the documentation promises", () => {
  const shop = cluster("shop", 2);
  assert.deepEqual(
    [
      desired.statefulSetName(shop),
      desired.membersServiceName(shop),
      desired.workersServiceName(shop),
      desired.workersConfigMapName(shop),
      desired.balancerName(shop),
      desired.balancerConfigMapName(shop),
      desired.workersRecordName(shop),
    ],
    ["shop", "shop-members", "shop-workers", "shop-workers", "shop-balancer", "shop-balancer", "_http._tcp.shop-workers"],
  );
  assert.deepEqual(desired.podNames(shop), ["shop-0", "shop-1"]);
});

test("the longest name still makes valid DNS labels and routes", () => {
  const longest = cluster(LONGEST, 100);
  for (const name of [...desired.podNames(longest), desired.membersServiceName(longest), desired.balancerName(longest)]) {
    assert.match(name, /^[a-z]([-a-z0-9]{0,57}[a-z0-9])?$/);
  }
});
