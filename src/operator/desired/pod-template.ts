// The parts that pods of workers and balancers have in common: Pod Security "restricted", scheduling, and what a user adds.
import type { PodTemplate, TomcatCluster } from "../../api/index.ts";
import type { Defaults } from "./defaults.ts";
import { definedOnly } from "./defined-only.ts";
import { type Component, selectorLabels } from "./labels.ts";
import { MANAGEMENT_PORT, MANAGEMENT_PORT_NAME } from "./names.ts";
import { mergeOverlay } from "./pod-overlay.ts";
import { quantityValue } from "./quantity.ts";

/** What one component's pods are, beside what the user's template says. */
export interface PodParts {
  readonly component: Component;
  /** What pods are found by; no template can change them. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations that make the pods roll when they change. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The one container, without what all have. Its name is the component's. */
  readonly container: {
    readonly image: string;
    readonly command: readonly string[];
    readonly env: readonly EnvironmentVariable[];
    readonly ports: readonly object[];
    readonly volumeMounts: readonly object[];
    readonly [field: string]: unknown;
  };
  readonly initContainers: readonly InitContainer[];
  readonly volumes: readonly object[];
  /** Further fields of the pod's specification. */
  readonly pod: Readonly<Record<string, unknown>>;
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly [field: string]: unknown;
}

export interface InitContainer {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly volumeMounts: readonly object[];
}

const MEBIBYTE = 2 ** 20;
const HOST_NAME_LABEL = "kubernetes.io/hostname";
const ZONE_LABEL = "topology.kubernetes.io/zone";

export function podTemplateOf(cluster: TomcatCluster, template: PodTemplate, parts: PodParts, defaults: Defaults) {
  const { resources } = template;
  const userVolumes = template.volumes ?? [];
  const secured = { securityContext: containerSecurityContext(), ...(resources && { resources: definedOnly(resources) }) };
  const made = {
    metadata: {
      labels: { ...template.labels, ...parts.labels },
      annotations: { ...template.annotations, ...scrapeAnnotations(cluster), ...parts.annotations },
    },
    spec: {
      ...parts.pod,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: defaults.user,
        runAsGroup: defaults.user,
        fsGroup: defaults.user,
        fsGroupChangePolicy: "OnRootMismatch",
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...definedOnly({
        nodeSelector: template.nodeSelector,
        tolerations: template.tolerations,
        priorityClassName: template.priorityClassName,
        imagePullSecrets: template.imagePullSecrets,
      }),
      affinity: template.affinity ?? softAntiAffinity(cluster, parts.component),
      topologySpreadConstraints: spreadConstraints(cluster, template, parts.component),
      ...(parts.initContainers.length > 0 && { initContainers: parts.initContainers.map((container) => ({ ...container, ...secured })) }),
      containers: [
        {
          name: parts.component,
          ...parts.container,
          ...secured,
          env: environment([...parts.container.env, nodeOptions(template, defaults)], template),
          volumeMounts: [...parts.container.volumeMounts, ...userVolumes.map(volumeMount)],
        },
      ],
      volumes: [...parts.volumes, ...userVolumes.map(volumeSource)],
    },
  };
  const merged = mergeOverlay(made, template.podOverlay ?? {}) as typeof made;
  const { labels, annotations } = merged.metadata ?? {};
  return { ...merged, metadata: { labels: { ...labels, ...parts.labels }, annotations: { ...annotations, ...parts.annotations } } };
}

function containerSecurityContext() {
  return { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };
}

/** For a Prometheus that finds pods by annotations, unless one is told by a PodMonitor. */
function scrapeAnnotations({ spec }: TomcatCluster): Readonly<Record<string, string>> {
  if (spec.monitoring.podMonitor.enabled) return {};
  return { "prometheus.io/scrape": "true", "prometheus.io/port": String(MANAGEMENT_PORT), "prometheus.io/path": "/metrics" };
}

function softAntiAffinity(cluster: TomcatCluster, component: Component) {
  const podAffinityTerm = { labelSelector: { matchLabels: selectorLabels(cluster, component) }, topologyKey: HOST_NAME_LABEL };
  return { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] } };
}

function spreadConstraints(cluster: TomcatCluster, template: PodTemplate, component: Component) {
  const wanted = template.topologySpreadConstraints ?? [{ topologyKey: ZONE_LABEL, maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway" }];
  return wanted.map((constraint) => ({ ...constraint, labelSelector: { matchLabels: selectorLabels(cluster, component) } }));
}

/** The user's variables last, in place of ours of the same name. */
function environment(ours: readonly EnvironmentVariable[], template: PodTemplate): readonly EnvironmentVariable[] {
  const users = (template.env ?? []) as readonly EnvironmentVariable[];
  const names = new Set(users.map(({ name }) => name));
  return [...ours.filter(({ name }) => !names.has(name)), ...users];
}

/** The heap as a number, since V8's own choice is a share of the limit that leaves most of it unused. */
function nodeOptions({ resources }: PodTemplate, { heapShare, nodeFlags }: Defaults): EnvironmentVariable {
  const limit = resources?.limits?.memory;
  const heap =
    limit === undefined ? [] : [`--max-old-space-size=${Math.max(1, Math.floor((quantityValue(limit) * heapShare) / MEBIBYTE))}`];
  return { name: "NODE_OPTIONS", value: [...nodeFlags, ...heap].join(" ") };
}

type Volume = NonNullable<PodTemplate["volumes"]>[number];

function volumeMount({ name, mountPath, subPath, readOnly }: Volume) {
  return definedOnly({ name, mountPath, subPath, readOnly });
}

function volumeSource({ name, configMap, secret, persistentVolumeClaim, emptyDir }: Volume) {
  // An emptyDir is often empty in the manifest too, and says something all the same.
  return { name, ...definedOnly({ configMap, secret, persistentVolumeClaim }), ...(emptyDir && { emptyDir }) };
}

/** Of files with keys: for the pod's group alone. */
export const KEY_FILE_MODE = 0o440;

/** The management port of a container, which every pod has. */
export const MANAGEMENT_CONTAINER_PORT = { name: MANAGEMENT_PORT_NAME, containerPort: MANAGEMENT_PORT };

/** Three questions to the management port: has it started, does it serve, is it alive. */
export function probes({ startupProbe, readinessProbe, livenessProbe }: Defaults) {
  const ask = (path: string) => ({ httpGet: { path, port: MANAGEMENT_PORT_NAME } });
  return {
    startupProbe: { ...ask("/livez"), ...startupProbe },
    readinessProbe: { ...ask("/readyz"), ...readinessProbe },
    livenessProbe: { ...ask("/livez"), ...livenessProbe },
  };
}
