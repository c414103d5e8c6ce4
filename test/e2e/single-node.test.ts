// The Kubernetes that the other tests of this folder run on does what they take for granted.
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { after, before, describe, it } from "node:test";
import { eventually } from "../support/session-requests.ts";
import { importNodeImage, NODE_IMAGE } from "./support/node-image.ts";
import { SingleNode } from "./support/single-node.ts";

const NAMESPACE = "try";
const WAIT_MS = 120_000;
/** Answers who it is and what the init container left; resolves names; takes memory until it has none. */
const SERVER = `
const held = [];
require("node:http").createServer(async (request, response) => {
  response.setHeader("connection", "close");
  const { pathname, searchParams } = new URL(request.url, "http://host");
  if (pathname === "/resolve") return response.end(JSON.stringify(await require("node:dns/promises").resolve4(searchParams.get("name"))));
  if (pathname === "/fetch") {
    const answer = fetch(searchParams.get("url"), { signal: AbortSignal.timeout(1000) }).then((got) => got.text());
    return response.end(await answer.catch((error) => error.name));
  }
  if (pathname === "/fill") for (;;) held.push(Buffer.alloc(1 << 24, 1));
  response.end(require("node:os").hostname() + " " + require("node:fs").readFileSync("/shared/note"));
}).listen(8080, () => console.log("listening"));`;

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly podIP: string;
    readonly containerStatuses: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
      readonly lastState: { readonly terminated?: { readonly exitCode: number; readonly reason: string } };
    }[];
  };
}

const labels = (app: string) => ({ app });
const restricted = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };

function podTemplate(app: string): object {
  const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
  const image = { image: NODE_IMAGE, imagePullPolicy: "Never", securityContext: restricted, volumeMounts };
  return {
    metadata: { labels: labels(app) },
    spec: {
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: { type: "RuntimeDefault" } },
      volumes: [{ name: "shared", emptyDir: {} }],
      initContainers: [{ name: "first", ...image, args: ["--eval", `require("node:fs").writeFileSync("/shared/note", "left by first")`] }],
      containers: [
        {
          name: "server",
          ...image,
          args: ["--eval", SERVER],
          resources: { limits: { memory: "192Mi" } },
          readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
          livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 5 },
        },
      ],
    },
  };
}

const workload = (app: string) => ({ replicas: 2, selector: { matchLabels: labels(app) }, template: podTemplate(app) });
const OBJECTS = [
  {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: NAMESPACE, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  },
  { apiVersion: "v1", kind: "Service", metadata: { name: "named" }, spec: { clusterIP: "None", selector: labels("named") } },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "named" },
    spec: { ...workload("named"), serviceName: "named", podManagementPolicy: "Parallel" },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "front" },
    spec: { selector: labels("front"), ports: [{ port: 80, targetPort: 8080 }] },
  },
  { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "front" }, spec: workload("front") },
];

describe("a Kubernetes of one node", () => {
  let node: SingleNode;
  before(async () => {
    node = await SingleNode.start();
    await importNodeImage(node);
    const objects = OBJECTS.map((object) => ({
      ...object,
      metadata: { ...object.metadata, ...(object.kind !== "Namespace" && { namespace: NAMESPACE }) },
    }));
    writeFileSync(node.server.file("objects.json"), JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    await node.kubectl("apply", "--filename", node.server.file("objects.json"));
  });
  after(() => node?.stop());

  const kubectl = (...args: string[]) => node.kubectl("--namespace", NAMESPACE, ...args);
  const get = async <T>(...args: string[]): Promise<T> => JSON.parse(await kubectl("get", ...args, "--output", "json")) as T;
  const pod = (name: string) => get<Pod>("pod", name);
  const ask = async (name: string, path = "/") => (await fetch(`http://${(await pod(name)).status.podIP}:8080${path}`)).text();
  const untilReady = (name: string, suits: (found: Pod) => boolean) =>
    eventually(
      async () => JSON.parse((await kubectl("get", "pod", name, "--ignore-not-found", "--output", "json")) || "null") as Pod | null,
      (found) => !!found && found.status.containerStatuses?.[0]?.ready === true && suits(found),
      WAIT_MS,
    );

  it("runs StatefulSets and Deployments under restricted Pod Security, after their init containers", async () => {
    await kubectl("rollout", "status", "statefulset/named", "--timeout=120s");
    await kubectl("rollout", "status", "deployment/front", "--timeout=120s");
    assert.equal(await ask("named-1"), "named-1 left by first");
  });

  it("refuses a pod that asks for more than that", async () => {
    const run = kubectl("run", "loose", "--image", NODE_IMAGE, "--image-pull-policy=Never");
    await assert.rejects(run, /violates PodSecurity "restricted/);
  });

  it("names the pods of a headless Service", async () => {
    const [first, second] = await Promise.all(["named-0", "named-1"].map(async (name) => (await pod(name)).status.podIP));
    const resolve = async (name: string) =>
      JSON.parse(await ask("named-0", `/resolve?name=${name}.${NAMESPACE}.svc.cluster.local`)) as string[];
    assert.deepEqual(await resolve("named-1.named"), [second]);
    assert.deepEqual((await resolve("named")).sort(), [first, second].sort());
  });

  it("leads a Service to its pods, from a pod by its name and from this machine by its address", async () => {
    // Pods are ready before their Service leads to them.
    const byName = await eventually(
      () => ask("named-0", "/fetch?url=http://front"),
      (found) => found.startsWith("front-"),
    );
    assert.match(byName, /^front-\S+ left by first$/);
    const { spec } = await get<{ spec: { clusterIP: string } }>("service", "front");
    const answers = new Set<string>();
    await eventually(
      async () => answers.add(await (await fetch(`http://${spec.clusterIP}/`)).text()).size,
      (size) => size === 2,
    );
    const slices = await get<{ items: { endpoints: unknown[] }[] }>("endpointslices", "--selector", "kubernetes.io/service-name=front");
    assert.equal(slices.items[0]!.endpoints.length, 2);
  });

  it("drops what no NetworkPolicy admits, from the moment on that there is one for a pod", async () => {
    const from = (app: string) => ({ from: [{ podSelector: { matchLabels: labels(app) } }], ports: [{ protocol: "TCP", port: 8080 }] });
    const policy = {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "front", namespace: NAMESPACE },
      spec: { podSelector: { matchLabels: labels("front") }, policyTypes: ["Ingress"], ingress: [from("named")] },
    };
    writeFileSync(node.server.file("policy.json"), JSON.stringify(policy));
    const { items } = await get<{ items: Pod[] }>("pods", "--selector", "app=front");
    const path = `/fetch?url=http://${items[0]!.status.podIP}:8080`;
    const front = items[1]!.metadata.name;
    assert.match(await ask(front, path), /^front-/);
    await node.kubectl("apply", "--filename", node.server.file("policy.json"));
    const answer = (text: string) => (found: string) => found.startsWith(text);
    await eventually(() => ask(front, path), answer("TimeoutError"));
    assert.match(await ask("named-0", path), /^front-/);
    await kubectl("delete", "networkpolicy", "front");
    await eventually(() => ask(front, path), answer("front-"));
  });

  it("has logs and runs commands in containers", async () => {
    assert.equal(await kubectl("logs", "named-0"), "listening\n");
    assert.equal(await kubectl("exec", "named-0", "--", "/node", "--print", "process.getuid()"), "1000\n");
  });

  it("restarts a container that was killed", async () => {
    await node.signal(NAMESPACE, "named-0", "KILL");
    const found = await untilReady("named-0", ({ status }) => status.containerStatuses[0]!.restartCount > 0);
    assert.equal(found!.status.containerStatuses[0]!.lastState.terminated!.exitCode, 137);
  });

  it("kills a container that takes more memory than its limit", async () => {
    await assert.rejects(ask("named-1", "/fill"));
    const found = await untilReady("named-1", ({ status }) => status.containerStatuses[0]!.restartCount > 0);
    assert.equal(found!.status.containerStatuses[0]!.lastState.terminated!.reason, "OOMKilled");
  });

  it("evicts a pod, and its StatefulSet makes it anew", async () => {
    const { metadata } = await pod("named-1");
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: metadata.name, namespace: NAMESPACE } };
    writeFileSync(node.server.file("eviction.json"), JSON.stringify(eviction));
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${metadata.name}/eviction`;
    await node.kubectl("create", "--raw", path, "--filename", node.server.file("eviction.json"));
    await untilReady("named-1", (found) => found.metadata.uid !== metadata.uid);
  });

  it("keeps containers running while kubelet and DNS restart", async () => {
    const before = await pod("named-0");
    await node.restartDns();
    await node.restartKubelet();
    assert.equal(await ask("named-0"), "named-0 left by first");
    const after = await untilReady("named-0", () => true);
    assert.equal(after!.status.containerStatuses[0]!.restartCount, before.status.containerStatuses[0]!.restartCount);
  });

  it("removes what a deleted object owns", async () => {
    await kubectl("delete", "deployment", "front");
    const left = () => kubectl("get", "replicasets,pods", "--selector", "app=front", "--output", "name");
    await eventually(left, (names) => names === "", WAIT_MS);
  });

  it("leaves nothing behind when it stops", async () => {
    const { logFolder, name } = node;
    assert.ok(name in networkInterfaces());
    await node.stop();
    assert.equal(existsSync(logFolder), false);
    assert.equal(name in networkInterfaces(), false);
    const groups = readdirSync("/sys/fs/cgroup", { recursive: true }).filter((path) => String(path).includes(name));
    assert.deepEqual(groups, []);
  });
});
