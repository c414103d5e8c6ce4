import assert from "node:assert/strict";
import { test } from "node:test";
import type { TomcatClusterManifest } from "../../../../src/api/index.ts";
import { NODE_FLAGS } from "../../../../src/base/index.ts";
import {
  CONFIGURATION_ANNOTATION,
  type DesiredInputs,
  desiredObjects,
  RESTART_ANNOTATION,
} from "../../../../src/operator/desired/index.ts";
import { clusterOf, DESIRED_INPUTS, objectOf } from "../../../support/desired-inputs.ts";

function made(spec: TomcatClusterManifest["spec"] = {}, inputs: Partial<DesiredInputs> = {}) {
  const objects = desiredObjects(clusterOf(spec), { ...DESIRED_INPUTS, ...inputs });
  const statefulSet = objectOf(objects, "StatefulSet", "shop");
  const deployment = objectOf(objects, "Deployment", "shop-balancer");
  return {
    objects,
    statefulSet,
    deployment,
    worker: statefulSet.spec.template,
    balancer: deployment.spec.template,
    workersConfiguration: objectOf(objects, "ConfigMap", "shop-workers").data,
  };
}

function keySources(worker: { spec: { volumes: { name: string; projected: { sources: unknown[] } }[] } }) {
  const sources = worker.spec.volumes.find(({ name }) => name === "channel-keys")!.projected.sources;
  return (sources as { secret?: { name: string; optional?: boolean } }[]).map(({ secret }) => [secret?.name, secret?.optional]);
}

test("every object has the cluster's namespace, labels and owner, and its own kind and name", () => {
  const { objects } = made({ balancer: { ingress: { enabled: true }, httpRoute: { enabled: true, parentRefs: [{ name: "public" }] } } });
  for (const { kind, metadata } of objects) {
    assert.equal(metadata.namespace, "web", kind);
    assert.equal(metadata.labels["app.kubernetes.io/instance"], "shop", kind);
    assert.equal(metadata.labels["app.kubernetes.io/managed-by"], "tomcat-cluster-operator", kind);
    assert.equal(metadata.ownerReferences?.length, 1, kind);
  }
  assert.equal(new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).size, objects.length);
});

test("the same manifest makes the same objects, and nothing that it shares can change under it", () => {
  assert.deepEqual(made().objects, made().objects);
});

test("the number of workers is the operator's, of balancers the manifest's or nobody's", () => {
  assert.equal(made({ replicas: 2 }, { workers: 5 }).statefulSet.spec.replicas, 5);
  assert.equal("replicas" in made().deployment.spec, false);
  assert.equal(made({ balancer: { replicas: 4 } }).deployment.spec.replicas, 4);
});

test("scaling does not change what pods are made of", () => {
  assert.deepEqual(made({ replicas: 2 }, { workers: 2 }).worker, made({ replicas: 9 }, { workers: 9 }).worker);
});

test("pods roll when what they read changes: server.xml, settings, or what the manifest names", () => {
  const digests = (spec: TomcatClusterManifest["spec"], inputs: Partial<DesiredInputs> = {}) => {
    const { worker, balancer } = made(spec, inputs);
    return [worker, balancer].map(({ metadata }) => metadata.annotations[CONFIGURATION_ANNOTATION]);
  };
  const [worker, balancer] = digests({});
  assert.match(worker!, /^[0-9a-f]{16}$/);
  const changes: readonly [TomcatClusterManifest["spec"], Partial<DesiredInputs>, boolean, boolean][] = [
    [{ replication: { mode: "Asynchronous" } }, {}, true, false],
    [{ balancer: { timeouts: { headSeconds: 3 } } }, {}, false, true],
    [{}, { references: { workers: "1", balancers: "" } }, true, false],
    [{}, { references: { workers: "", balancers: "1" } }, false, true],
    [{ disruptionBudget: { maxUnavailable: 2 } }, {}, false, false],
  ];
  for (const [spec, inputs, workersRoll, balancersRoll] of changes) {
    const [changedWorker, changedBalancer] = digests(spec, inputs);
    assert.deepEqual([changedWorker !== worker, changedBalancer !== balancer], [workersRoll, balancersRoll], JSON.stringify(spec));
  }
});

test("a restart that is asked for rolls the workers alone", () => {
  const { worker, balancer } = made({}, { restart: "1" });
  assert.equal(worker.metadata.annotations[RESTART_ANNOTATION], "1");
  assert.deepEqual(balancer, made().balancer);
});

test("rule 21: the next key and the choice of the one to send with reach running workers; only forgetting the oldest rolls them", () => {
  const before = made({}, { channelKeys: { oldest: 3, sending: 3 } });
  const sending = made({}, { channelKeys: { oldest: 3, sending: 4 } });
  const dropped = made({}, { channelKeys: { oldest: 4, sending: 4 } });
  assert.deepEqual(sending.worker, before.worker);
  assert.deepEqual(keySources(before.worker), [
    ["shop-channel-3", undefined],
    ["shop-channel-4", true],
    [undefined, undefined],
  ]);
  assert.deepEqual(
    [before, sending, dropped].map((one) => one.workersConfiguration["sending-key"]),
    ["3.key", "4.key", "4.key"],
  );
  assert.deepEqual(keySources(dropped.worker)[0], ["shop-channel-4", undefined]);
});

test("the workers' image is the manifest's, the balancers' always the operator's", () => {
  const { worker, balancer } = made({ image: "registry.example/shop:7" });
  assert.equal(worker.spec.containers[0].image, "registry.example/shop:7");
  assert.equal(balancer.spec.containers[0].image, DESIRED_INPUTS.image);
});

test("rule 18: a pod has the drain's deadline and what follows it before it is killed", () => {
  assert.equal(made({ drain: { deadlineSeconds: 40.5 } }).worker.spec.terminationGracePeriodSeconds, 56);
});

test("the heap is seven tenths of the memory limit, unless a variable says otherwise", () => {
  const options = (template: NonNullable<TomcatClusterManifest["spec"]>["template"]) =>
    (made({ template }).worker.spec.containers[0].env as { name: string; value?: string }[]).filter(({ name }) => name === "NODE_OPTIONS");
  const limits = { memory: "1Gi" };
  const value = NODE_FLAGS.join(" ");
  assert.deepEqual(options({}), [{ name: "NODE_OPTIONS", value }]);
  assert.deepEqual(options({ resources: { requests: limits } }), [{ name: "NODE_OPTIONS", value }]);
  assert.deepEqual(options({ resources: { limits } }), [{ name: "NODE_OPTIONS", value: `${value} --max-old-space-size=716` }]);
  assert.deepEqual(options({ resources: { limits }, env: [{ name: "NODE_OPTIONS", value: "--inspect" }] }), [
    { name: "NODE_OPTIONS", value: "--inspect" },
  ]);
});

test("an overlay cannot take away the labels that pods are found by, nor what makes them roll", () => {
  const podOverlay = { metadata: { labels: { "tribes.dev/pool": "other", "app.kubernetes.io/name": null, mine: "1" } } };
  const { labels } = made({ template: { podOverlay } }).worker.metadata;
  assert.deepEqual(labels, { ...made().statefulSet.spec.selector.matchLabels, mine: "1" });
  const { metadata } = made({ template: { podOverlay: { metadata: null } } }).worker;
  assert.deepEqual(metadata.labels, made().worker.metadata.labels);
  assert.deepEqual(Object.keys(metadata.annotations), [CONFIGURATION_ANNOTATION]);
});

test("a volume of the user's cannot have the name or the place of one of the pods' own", () => {
  const { worker, balancer } = made({
    applications: [{ path: "/", source: { configMap: { name: "files" } } }],
    balancer: { tls: { enabled: true, secretName: "x" } },
  });
  const refuses = (volume: object) =>
    assert.throws(() => clusterOf({ template: { volumes: [{ name: "mine", mountPath: "/mine", emptyDir: {}, ...volume }] } }), {
      code: "INVALID_MANIFEST",
    });
  for (const { spec } of [worker, balancer]) {
    for (const { name } of spec.volumes) refuses({ name });
    for (const { mountPath } of spec.containers[0].volumeMounts) if (!mountPath.includes("/applications/")) refuses({ mountPath });
  }
});

test("behind an Ingress or a Gateway balancers believe what these say of the client, and not otherwise", () => {
  const forwarded = (balancer: NonNullable<TomcatClusterManifest["spec"]>["balancer"]) =>
    /^forwarded: (.*)$/m.exec(objectOf(made({ balancer }).objects, "ConfigMap", "shop-balancer").data["balancer.yaml"])?.[1];
  assert.equal(forwarded({}), undefined);
  assert.equal(forwarded({ ingress: { enabled: true } }), "Append");
  assert.equal(forwarded({ httpRoute: { enabled: true, parentRefs: [{ name: "public" }] } }), "Append");
});

test("objects of kinds that the API server does not know are left out", () => {
  const monitoring = { podMonitor: { enabled: true }, prometheusRule: { enabled: true } };
  const kinds = (knownKinds: DesiredInputs["knownKinds"]) =>
    made({ monitoring }, { knownKinds })
      .objects.map(({ kind }) => kind)
      .filter((kind) => kind.startsWith("P") && kind !== "PodDisruptionBudget");
  assert.deepEqual(kinds([]), []);
  assert.deepEqual(kinds(["PodMonitor"]), ["PodMonitor"]);
  assert.deepEqual(kinds(["PodMonitor", "PrometheusRule"]), ["PodMonitor", "PrometheusRule"]);
});

test("the longest name still makes valid names and labels", () => {
  const spec = { monitoring: { podMonitor: { enabled: true } }, balancer: { ingress: { enabled: true } } };
  for (const { metadata } of desiredObjects(clusterOf(spec, "a".repeat(40)), DESIRED_INPUTS)) {
    assert.match(metadata.name, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
    for (const value of Object.values(metadata.labels)) assert.ok(value.length <= 63);
  }
});
