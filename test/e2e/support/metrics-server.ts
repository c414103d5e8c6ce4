// The real metrics-server: it asks the kubelet what each pod uses, and is the API metrics.k8s.io, to which the API server forwards requests.
import { writeFileSync } from "node:fs";
import type { KubeApiServer } from "../../support/kube-api-server.ts";
import { NodeProcess } from "./node-process.ts";
import { METRICS_PORT, metricsServer } from "./node-programs.ts";
import type { Sandbox } from "./sandbox.ts";

/** It answers only when it has asked the kubelet twice. */
const READY_MS = 90_000;
const API = { group: "metrics.k8s.io", version: "v1beta1" };
const PLACE = { namespace: "kube-system", name: "metrics-server" };
const PORT = { name: "https", port: 443 };

/** Resolves when it knows of a node; it runs as long as the sandbox. */
export async function startMetricsServer(sandbox: Sandbox, server: KubeApiServer): Promise<void> {
  const program = new NodeProcess(sandbox, PLACE.name, metricsServer(sandbox, server));
  program.start();
  writeFileSync(server.file("metrics.json"), JSON.stringify({ apiVersion: "v1", kind: "List", items: objects(sandbox.nodeAddress) }));
  await server.kubectl("apply", "--filename", server.file("metrics.json"));
  const measured = async () => (await server.kubectl("get", "--raw", `/apis/${API.group}/${API.version}/nodes`)).includes("usage");
  await program.until(measured, READY_MS);
}

/** It is no pod, so that its Service has no selector and the address is written down. */
function objects(address: string): object[] {
  return [
    { apiVersion: "v1", kind: "Service", metadata: PLACE, spec: { ports: [{ ...PORT, targetPort: METRICS_PORT }] } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...PLACE, labels: { "kubernetes.io/service-name": PLACE.name } },
      addressType: "IPv4",
      ports: [{ ...PORT, port: METRICS_PORT }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: `${API.version}.${API.group}` },
      spec: { ...API, service: PLACE, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true },
    },
  ];
}
