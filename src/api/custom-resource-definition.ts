// The CustomResourceDefinition, made from the schemas of spec and status.
import { stringify } from "yaml";
import { z } from "zod";
import { API_GROUP, API_VERSION, KIND } from "./group.ts";
import { type SchemaNode, structuralSchema, withValidations } from "./structural-schema.ts";
import { tomcatClusterSchema } from "./tomcat-cluster.ts";
import { API_SERVER_RULES, TOMCAT_CLUSTER_RULES } from "./tomcat-cluster-rules.ts";
import { tomcatClusterStatusSchema } from "./tomcat-cluster-status.ts";

const PLURAL = "tomcatclusters";
const condition = (type: string, field: string) => `.status.conditions[?(@.type=="${type}")].${field}`;

/** In the order in which kubectl prints them; those of priority 1 with "-o wide". */
const PRINTER_COLUMNS = [
  { name: "Ready", type: "string", jsonPath: condition("Ready", "status"), description: "Whether all that is wanted runs and serves" },
  { name: "Reason", type: "string", jsonPath: condition("Ready", "reason"), description: "Why" },
  { name: "Workers", type: "integer", jsonPath: ".status.readyReplicas", description: "Workers that serve" },
  { name: "Wanted", type: "integer", jsonPath: ".spec.replicas", description: "Workers that should" },
  {
    name: "Updated",
    type: "integer",
    jsonPath: ".status.updatedReplicas",
    description: "Workers that run what the spec says",
    priority: 1,
  },
  {
    name: "One-Group",
    type: "string",
    jsonPath: condition("WellFormed", "status"),
    description: "Whether all workers see the same members",
  },
  { name: "Image", type: "string", jsonPath: ".status.image", description: "The operator's image that is used", priority: 1 },
  { name: "Message", type: "string", jsonPath: condition("Ready", "message"), description: "Why, in a sentence", priority: 1 },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
] as const;

function openApiSchema(): SchemaNode {
  const json = (schema: z.ZodType) => structuralSchema(z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }) as SchemaNode);
  const root = json(tomcatClusterSchema);
  const schema: SchemaNode = {
    type: "object",
    description:
      "A balancer in front of workers that keep every HTTP session in memory on more than one of them, so that none is lost when a pod dies, rolls or scales down.",
    properties: {
      apiVersion: { type: "string", description: "Version of this schema" },
      kind: { type: "string", description: "Kind of the object" },
      metadata: { type: "object" },
      spec: root.properties!.spec!,
      status: json(tomcatClusterStatusSchema),
    },
  };
  const rules = [...TOMCAT_CLUSTER_RULES, ...API_SERVER_RULES.map((rule) => ({ ...rule, path: [] }))];
  return withValidations(schema, rules);
}

export function tomcatClusterCustomResourceDefinition() {
  const version = API_VERSION.slice(API_GROUP.length + 1);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${PLURAL}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      scope: "Namespaced",
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: KIND.toLowerCase(),
        shortNames: ["tomcat"],
        categories: ["all"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: openApiSchema() },
          subresources: {
            status: {},
            scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas", labelSelectorPath: ".status.selector" },
          },
          additionalPrinterColumns: PRINTER_COLUMNS,
        },
      ],
    },
  };
}

/** As `tomcat-cluster crd` prints it and crds/ holds it. */
export function customResourceDefinitionYaml(): string {
  return `# Made from src/api by "npm run generate"; do not edit.\n${stringify(tomcatClusterCustomResourceDefinition(), { lineWidth: 140, aliasDuplicateObjects: false })}`;
}
