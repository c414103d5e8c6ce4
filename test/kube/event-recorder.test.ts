// Events as `kubectl describe` prints them.
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { EventRecorder, KubeConfigCredentials, RESOURCES } from "../../src/kube/index.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";

let cluster: KubeApiServer;
let test: KubeTestClient;

before(async () => {
  cluster = await KubeApiServer.start();
  test = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: cluster.adminKubeconfig }));
});

after(async () => {
  await test?.client.stop();
  await cluster?.stop();
});

it("Events stand below what they are about, with their reason, their count and who said it", async () => {
  const { client } = test;
  const about = await client.create(RESOURCES.ServiceAccount, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace: "default", name: "shop" },
  });
  const recorder = new EventRecorder(
    { clock: systemClock, random: systemRandom, logger: silentLogger, client },
    { component: "tomcat-cluster", instance: "operator-0" },
  );
  recorder.record(about, { type: "Normal", reason: "Rolled", message: "all workers are new" });
  for (let time = 0; time < 3; time++) {
    recorder.record(about, { type: "Warning", reason: "RollStuck", message: "shop-0 does not get ready" });
    // Each is written apart, so that the second and third count up what is there.
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await recorder.stop();
  const text = await cluster.kubectl("describe", "serviceaccount", "shop");
  assert.match(text, /Normal +Rolled +\S+ +tomcat-cluster +all workers are new/);
  assert.match(text, /Warning +RollStuck +\S+ \(x3 over \S+\) +tomcat-cluster +shop-0 does not get ready/);
  const events = await cluster.kubectl("get", "events", "--field-selector", "reason=RollStuck", "-o", "wide");
  assert.match(events, /RollStuck +serviceaccount\/shop +tomcat-cluster, operator-0 +shop-0 does not get ready +\S+ +3 /);
});
