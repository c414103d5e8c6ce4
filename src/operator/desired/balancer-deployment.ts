// The balancers. They keep nothing, so the Deployment's own rolling update will do.
import type { TomcatCluster } from "../../api/index.ts";
import { SETTINGS_ENTRY, TLS_DIRECTORY } from "./balancer-config-map.ts";
import { configurationDigest } from "./configuration-digest.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { CONFIGURATION_ANNOTATION, objectMeta, selectorLabels } from "./labels.ts";
import { BALANCER_HTTP_PORT, BALANCER_HTTPS_PORT, balancerConfigMapName, balancerName, HTTP_PORT_NAME, HTTPS_PORT_NAME } from "./names.ts";
import { KEY_FILE_MODE, MANAGEMENT_CONTAINER_PORT, podTemplateOf, probes } from "./pod-template.ts";

/** Balancers of a cluster whose manifest does not say how many. */
export const INITIAL_BALANCERS = 2;
const SETTINGS_FOLDER = "/etc/tomcat-cluster";
/** A pod that is told to stop still gets connections for a moment, until everybody has heard that it goes: it serves them. */
const LEAVING_SECONDS = 5;
/** For what is cut at the drain's deadline to be closed. */
const GRACE_BEYOND_DRAIN_SECONDS = 10;
const REVISION_HISTORY = 3;

/**
 * Without `replicas` where the manifest does not say them: an autoscaler's number is never touched. The first one is INITIAL_BALANCERS,
 * given when the object is created with POST: a field that is applied once and then left out again would be removed, and 1 remain.
 */
export function desiredBalancerDeployment(cluster: TomcatCluster, inputs: DesiredInputs, settings: string): KubernetesObject {
  const { balancer, drain } = cluster.spec;
  const selector = selectorLabels(cluster, "balancer");
  const https = httpsParts(balancer.tls);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: objectMeta(cluster, inputs, { name: balancerName(cluster), component: "balancer" }),
    spec: {
      ...(balancer.replicas !== undefined && { replicas: balancer.replicas }),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      revisionHistoryLimit: REVISION_HISTORY,
      selector: { matchLabels: selector },
      template: podTemplateOf(
        cluster,
        balancer.template,
        {
          component: "balancer",
          labels: selector,
          annotations: { [CONFIGURATION_ANNOTATION]: configurationDigest(settings, inputs.references.balancers) },
          container: {
            image: inputs.image,
            command: ["tomcat-cluster", "balancer", "--config", `${SETTINGS_FOLDER}/${SETTINGS_ENTRY}`],
            env: [],
            ports: [{ name: HTTP_PORT_NAME, containerPort: BALANCER_HTTP_PORT }, ...https.ports, MANAGEMENT_CONTAINER_PORT],
            lifecycle: { preStop: { sleep: { seconds: LEAVING_SECONDS } } },
            ...probes(inputs.defaults),
            volumeMounts: [{ name: "configuration", mountPath: SETTINGS_FOLDER, readOnly: true }, ...https.volumeMounts],
          },
          initContainers: [],
          volumes: [{ name: "configuration", configMap: { name: balancerConfigMapName(cluster) } }, ...https.volumes],
          pod: {
            terminationGracePeriodSeconds: LEAVING_SECONDS + Math.ceil(drain.deadlineSeconds) + GRACE_BEYOND_DRAIN_SECONDS,
            serviceAccountName: balancerName(cluster),
          },
        },
        inputs.defaults,
      ),
    },
  };
}

/** The Secret's files change under running balancers, which read them again: its content is in no digest. */
function httpsParts({ enabled, secretName }: TomcatCluster["spec"]["balancer"]["tls"]) {
  if (!enabled) return { ports: [], volumes: [], volumeMounts: [] };
  return {
    ports: [{ name: HTTPS_PORT_NAME, containerPort: BALANCER_HTTPS_PORT }],
    volumes: [{ name: "tls", secret: { secretName, defaultMode: KEY_FILE_MODE } }],
    volumeMounts: [{ name: "tls", mountPath: TLS_DIRECTORY, readOnly: true }],
  };
}
