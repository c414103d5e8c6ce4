// The workers. OnDelete, since the operator rolls them: readiness alone does not tell whether a session would be lost.
import type { TomcatCluster } from "../../api/index.ts";
import { applicationParts } from "./application-folders.ts";
import { CHANNEL_SECRET_ENTRY, channelKeyFile } from "./channel-secret.ts";
import { configurationDigest } from "./configuration-digest.ts";
import type { ChannelKeys, DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { CONFIGURATION_ANNOTATION, DEFAULT_POOL, objectMeta, POOL_LABEL, poolSelectorLabels, RESTART_ANNOTATION } from "./labels.ts";
import {
  CHANNEL_PORT_NAME,
  channelSecretName,
  HTTP_PORT_NAME,
  membersServiceName,
  statefulSetName,
  WORKER_BASE,
  WORKER_HTTP_PORT,
  workersConfigMapName,
  workersServiceName,
} from "./names.ts";
import { KEY_FILE_MODE, MANAGEMENT_CONTAINER_PORT, podTemplateOf, probes } from "./pod-template.ts";
import { CHANNEL_KEY_DIRECTORY, WORKER_ENVIRONMENT } from "./server-xml.ts";
import { SENDING_KEY_ENTRY, SERVER_XML_ENTRY } from "./worker-config-map.ts";

/** After the drain's deadline: for running requests to end, for the queue to be flushed, and for good-byes (rule 18). */
const GRACE_BEYOND_DRAIN_SECONDS = 15;
const REVISION_HISTORY = 3;
/** Folders of the base that a worker writes to; the image's file system cannot be written. */
const SCRATCH_FOLDERS = { tmp: "/tmp", temp: `${WORKER_BASE}/temp`, work: `${WORKER_BASE}/work` };

/** From SIGTERM to SIGKILL. */
export function workerGraceSeconds({ spec }: TomcatCluster): number {
  return Math.ceil(spec.drain.deadlineSeconds) + GRACE_BEYOND_DRAIN_SECONDS;
}

/** `serverXml`: what the ConfigMap holds. */
export function desiredWorkerStatefulSet(cluster: TomcatCluster, inputs: DesiredInputs, serverXml: string): KubernetesObject {
  const { spec } = cluster;
  const image = spec.image ?? inputs.image;
  const applications = applicationParts(cluster, image);
  const keys = spec.group.encryption.mode === "SharedKey" ? [channelKeyVolume(cluster, inputs.channelKeys)] : [];
  const template = podTemplateOf(
    cluster,
    spec.template,
    {
      component: "worker",
      labels: poolSelectorLabels(cluster),
      annotations: {
        [CONFIGURATION_ANNOTATION]: configurationDigest(serverXml, inputs.references.workers),
        ...(inputs.restart !== undefined && { [RESTART_ANNOTATION]: inputs.restart }),
      },
      container: {
        image,
        command: ["tomcat-cluster", "worker", "--base", WORKER_BASE],
        env: [
          { name: WORKER_ENVIRONMENT.podName, valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          { name: WORKER_ENVIRONMENT.podAddress, valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: WORKER_ENVIRONMENT.dnsName, value: membersServiceName(cluster) },
        ],
        ports: [
          { name: HTTP_PORT_NAME, containerPort: WORKER_HTTP_PORT },
          { name: CHANNEL_PORT_NAME, containerPort: spec.group.receiver.port },
          MANAGEMENT_CONTAINER_PORT,
        ],
        ...probes(inputs.defaults),
        volumeMounts: [
          { name: "configuration", mountPath: `${WORKER_BASE}/conf/server.xml`, subPath: SERVER_XML_ENTRY, readOnly: true },
          ...keys.map(({ name }) => ({ name, mountPath: CHANNEL_KEY_DIRECTORY, readOnly: true })),
          ...Object.entries(SCRATCH_FOLDERS).map(([name, mountPath]) => ({ name, mountPath })),
          ...applications.volumeMounts,
        ],
      },
      initContainers: applications.initContainers,
      volumes: [
        { name: "configuration", configMap: { name: workersConfigMapName(cluster) } },
        ...keys,
        ...Object.keys(SCRATCH_FOLDERS).map((name) => ({ name, emptyDir: {} })),
        ...applications.volumes,
      ],
      pod: { terminationGracePeriodSeconds: workerGraceSeconds(cluster), automountServiceAccountToken: false },
    },
    inputs.defaults,
  );
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: objectMeta(cluster, inputs, { name: statefulSetName(cluster), component: "worker", labels: { [POOL_LABEL]: DEFAULT_POOL } }),
    spec: {
      replicas: inputs.workers,
      // Not the members' Service: DNS gives pods their names only below the Service that is named here, and balancers find routes by
      // the SRV records of this one.
      serviceName: workersServiceName(cluster),
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "OnDelete" },
      revisionHistoryLimit: REVISION_HISTORY,
      selector: { matchLabels: poolSelectorLabels(cluster) },
      template,
    },
  };
}

/**
 * The folder of rule 21. The key after the oldest is in it as soon as its Secret is there, so that its files and `sending` change under
 * running workers; only forgetting the oldest changes the template, and rolls them.
 */
function channelKeyVolume(cluster: TomcatCluster, { oldest }: ChannelKeys) {
  const key = (generation: number) => ({
    name: channelSecretName(cluster, generation),
    items: [{ key: CHANNEL_SECRET_ENTRY, path: channelKeyFile(generation) }],
  });
  return {
    name: "channel-keys",
    projected: {
      defaultMode: KEY_FILE_MODE,
      sources: [
        { secret: key(oldest) },
        { secret: { ...key(oldest + 1), optional: true } },
        { configMap: { name: workersConfigMapName(cluster), items: [{ key: SENDING_KEY_ENTRY, path: "sending" }] } },
      ],
    },
  };
}
