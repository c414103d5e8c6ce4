// What a user says about pods: of workers in spec.template, of balancers in spec.balancer.template.
import { z } from "zod";
import {
  annotations,
  atomicList,
  boundedMap,
  dataKey,
  freeForm,
  labelName,
  labels,
  mapList,
  objectName,
  quantity,
} from "./schema-parts.ts";

const resourceList = boundedMap(quantity, 16);

const keyReference = z.object({
  name: objectName.describe("Name of the object"),
  key: dataKey.describe("Key in it"),
  optional: z.boolean().optional().describe("Whether the variable is left out when there is no such key; unset: false"),
});

const environmentVariable = z.object({
  name: z
    .string()
    .max(256)
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, "must be the name of a variable")
    .describe("Name of the variable"),
  value: z.string().max(32_768).optional().describe("Its value"),
  valueFrom: z
    .object({
      configMapKeyRef: keyReference.optional().describe("An entry of a ConfigMap; a change of it rolls the pods"),
      secretKeyRef: keyReference
        .optional()
        .describe("An entry of a Secret; a change of it rolls the pods. Application code can read it: prefer a volume"),
      fieldRef: z
        .object({ fieldPath: z.string().min(1).max(256).describe("Path of the field, such as spec.nodeName") })
        .optional()
        .describe("A field of the pod"),
    })
    .optional()
    .describe("Where its value comes from: exactly one of the fields"),
});

const items = mapList(
  z.object({ key: dataKey.describe("Key in the object"), path: z.string().min(1).max(512).describe("File in the volume") }),
  ["key"],
  64,
)
  .optional()
  .describe("Entries to mount; unset: all, each as a file of its name");

const volume = z.object({
  name: labelName.describe("Name of the volume"),
  mountPath: z
    .string()
    .max(512)
    .regex(/^\/[^:]*$/, 'must be an absolute path without ":"')
    .describe("Folder at which it is mounted"),
  subPath: z.string().min(1).max(512).optional().describe("Folder or file in it that is mounted; unset: all of it"),
  readOnly: z.boolean().optional().describe("Whether it can only be read; unset: false"),
  configMap: z
    .object({ name: objectName.describe("Name of the ConfigMap"), items })
    .optional()
    .describe("A ConfigMap; a change of it rolls the pods"),
  secret: z
    .object({ secretName: objectName.describe("Name of the Secret"), items })
    .optional()
    .describe("A Secret; a change of it rolls the pods"),
  persistentVolumeClaim: z
    .object({ claimName: objectName.describe("Name of the claim, which all pods share") })
    .optional()
    .describe("A claim that exists"),
  emptyDir: z
    .object({
      medium: z.enum(["Memory"]).optional().describe("Memory: a tmpfs, which counts as memory of the pod; unset: the node's disk"),
      sizeLimit: quantity.optional().describe("Largest size; unset: none"),
    })
    .optional()
    .describe("An empty folder that lives as long as the pod"),
});

const toleration = z.object({
  key: z.string().max(316).optional().describe("Taint that is tolerated; unset: every one, with operator Exists"),
  operator: z.enum(["Exists", "Equal"]).optional().describe("How value is compared; unset: Equal"),
  value: z.string().max(63).optional().describe("Value of the taint"),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional().describe("Effect that is tolerated; unset: every one"),
  tolerationSeconds: z.int().min(0).max(2_000_000_000).optional().describe("How long NoExecute is tolerated; unset: for ever"),
});

const spreadConstraint = z.object({
  topologyKey: z.string().min(1).max(316).describe("Label of nodes that says what they belong to, such as topology.kubernetes.io/zone"),
  maxSkew: z.int().min(1).max(1000).default(1).describe("How many pods one of them may have more than another"),
  whenUnsatisfiable: z
    .enum(["ScheduleAnyway", "DoNotSchedule"])
    .default("ScheduleAnyway")
    .describe("ScheduleAnyway: try. DoNotSchedule: rather have no pod"),
});

/** `whose` pods: "workers". */
export function podTemplate(whose: string) {
  return z
    .object({
      labels: labels.optional().describe("Further labels of the pods; those of the operator win"),
      annotations: annotations.optional().describe("Further annotations of the pods; those of the operator win"),
      resources: z
        .object({
          requests: resourceList.optional().describe("What a node must have free for a pod: cpu, memory"),
          limits: resourceList.optional().describe("What a pod may use. The heap becomes 70 % of limits.memory"),
        })
        .optional()
        .describe("CPU and memory of each pod; unset: no request and no limit"),
      nodeSelector: labels.optional().describe("Labels that a node must have"),
      affinity: freeForm()
        .optional()
        .describe("Affinity as in a pod (kubectl explain pod.spec.affinity); unset: preferably not two of them on one node"),
      tolerations: atomicList(toleration, 32).optional().describe("Taints of nodes that do not keep the pods away"),
      topologySpreadConstraints: mapList(spreadConstraint, ["topologyKey", "whenUnsatisfiable"], 8)
        .optional()
        .describe("How the pods spread over parts of the cluster; unset: evenly over zones where possible"),
      priorityClassName: objectName.optional().describe("PriorityClass of the pods"),
      imagePullSecrets: mapList(z.object({ name: objectName.describe("Name of the Secret") }), ["name"], 16)
        .optional()
        .describe("Secrets with the credentials of image registries"),
      env: mapList(environmentVariable, ["name"], 128).optional().describe("Further environment variables"),
      volumes: mapList(volume, ["name"], 32).optional().describe("Further volumes, each of exactly one kind, and where they are mounted"),
      podOverlay: freeForm()
        .optional()
        .describe(
          "Whatever else a pod template can say (metadata, spec), merged last: objects by field, lists of containers, variables, volumes and " +
            "the like by name, other lists as a whole; null removes a field",
        ),
    })
    .prefault({})
    .describe(`The pods of the ${whose}`);
}

export type PodTemplate = z.output<ReturnType<typeof podTemplate>>;
