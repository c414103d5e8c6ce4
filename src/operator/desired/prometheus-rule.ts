// Alerts: what somebody has to look at before sessions are lost.
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta } from "./labels.ts";
import { balancerName, monitorName, statefulSetName } from "./names.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: "warning" | "critical" };
  readonly annotations: { readonly summary: string; readonly description: string };
}

export function desiredPrometheusRule(cluster: TomcatCluster, inputs: DesiredInputs): readonly KubernetesObject[] {
  const { enabled, labels } = cluster.spec.monitoring.prometheusRule;
  if (!enabled || !inputs.knownKinds.includes("PrometheusRule")) return [];
  return [
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: objectMeta(cluster, inputs, { name: monitorName(cluster), labels }),
      spec: { groups: [{ name: `tomcat-cluster-${cluster.metadata.name}`, rules: alerts(cluster) }] },
    },
  ];
}

function alerts(cluster: TomcatCluster): readonly Alert[] {
  const { name } = cluster.metadata;
  const workers = selector(cluster, `${statefulSetName(cluster)}-[0-9]+`);
  const balancers = selector(cluster, `${balancerName(cluster)}-.+`);
  return [
    alert("TomcatClusterSessionsAtRisk", `sum(tomcatcluster_sessions_at_risk${workers}) > 0`, "5m", "warning", {
      summary: `Sessions of ${name} are on one worker only`,
      description: "Their newest version has reached no other worker for five minutes: they are lost if their worker dies now.",
    }),
    alert("TomcatClusterMemberSuspect", `max(tomcatcluster_channel_suspects${workers}) > 0`, "5m", "warning", {
      summary: `A worker of ${name} does not answer the others`,
      description: "It is listed in DNS and gives no acknowledgement: it is frozen, cut off or overloaded.",
    }),
    alert(
      "TomcatClusterSplit",
      `max(tomcatcluster_channel_members${workers}) != min(tomcatcluster_channel_members${workers})`,
      "5m",
      "critical",
      {
        summary: `The workers of ${name} see different groups`,
        description: "Sessions that change on one side are missing on the other. Compare the workers: tomcat-cluster verify.",
      },
    ),
    alert("TomcatClusterMessagesRefused", `sum(rate(tomcatcluster_channel_refused_messages_total${workers}[5m])) > 0`, "10m", "warning", {
      summary: `Workers of ${name} refuse messages of each other`,
      description: "The label reason says why: another key, clocks that differ, or messages that cannot be read.",
    }),
    alert("TomcatClusterNoWorkerServes", `max(tomcatcluster_balancer_worker_up${balancers}) < 1`, "1m", "critical", {
      summary: `No worker of ${name} serves`,
      description: "Balancers answer every request with 503.",
    }),
    alert("TomcatClusterDiscoveryDown", `min(tomcatcluster_balancer_discovery_up${balancers}) < 1`, "5m", "warning", {
      summary: `A balancer of ${name} is not told where workers are`,
      description: "It uses those that it knew last: one that comes back at another address gets no requests. Look at the balancer's log.",
    }),
  ];
}

function alert(
  alertName: string,
  expr: string,
  duration: string,
  severity: Alert["labels"]["severity"],
  annotations: Alert["annotations"],
): Alert {
  return { alert: alertName, expr, for: duration, labels: { severity }, annotations };
}

/** The namespace only where the manifest says it: a PrometheusRule is often limited to its own already. */
function selector({ metadata }: TomcatCluster, pods: string): string {
  const namespace = metadata.namespace === undefined ? "" : `namespace="${metadata.namespace}",`;
  return `{${namespace}pod=~"${pods}"}`;
}
