// What the operator says about a cluster. Only what holds for a while: no counter, which would never stop changing.
import { z } from "zod";
import { image, mapList } from "./schema-parts.ts";

const count = z.int().min(0).max(100_000);
const text = (maximum: number) => z.string().max(maximum);

/** Kinds of conditions, in the order in which they are shown. */
export const CONDITION_TYPES = ["Ready", "Reconciling", "Stalled", "WellFormed", "Degraded", "Paused"] as const;
/** The steps of a key's rotation (rule 21), each taken when every worker has told that it has taken the one before. */
export const ROTATION_PHASES = ["Accepting", "Sending", "Dropping"] as const;
/** The steps of an update to what the operator has. */
export const UPDATE_PHASES = ["Waiting", "Rolling"] as const;

const condition = z.object({
  type: text(316)
    .min(1)
    .describe(`Kind of the condition: ${CONDITION_TYPES.join(", ")}`),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds"),
  observedGeneration: z.int().min(0).max(2_000_000_000).optional().describe("metadata.generation that it was found for"),
  lastTransitionTime: text(64).meta({ format: "date-time" }).describe("When the status last changed"),
  reason: text(1024).min(1).describe("Why, in one word"),
  message: text(32_768).describe("Why, in a sentence"),
});

const member = z.object({
  name: text(63).min(1).describe("Name of the pod"),
  pool: text(63).describe("Pool that it belongs to"),
  route: text(63).describe("Its jvmRoute, the end of the session ids that it gives"),
  state: z.enum(["Starting", "Serving", "Draining", "Unknown"]).describe("What it does"),
  revision: text(63).optional().describe("Revision of the pod template that it runs"),
});

export const tomcatClusterStatusSchema = z
  .object({
    observedGeneration: z
      .int()
      .min(0)
      .max(2_000_000_000)
      .optional()
      .describe("metadata.generation that this status was found for; a lower one is not about the current spec"),
    replicas: count.optional().describe("Workers that exist"),
    readyReplicas: count.optional().describe("Workers that serve requests"),
    updatedReplicas: count.optional().describe("Workers that run what the spec says"),
    selector: text(1024).optional().describe("Labels of the workers' pods, for autoscalers"),
    image: image.optional().describe("The operator's image that this cluster uses where spec says none"),
    defaultsRevision: z
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe("Which of the operator's defaults the pods are made with; with the image, it changes as updatePolicy.image says"),
    update: z
      .object({
        phase: z
          .enum(UPDATE_PHASES)
          .describe(
            "Waiting: for its turn, since one cluster is updated at a time. Rolling: it gets the operator's own image and defaults",
          ),
      })
      .optional()
      .describe("Update to the operator's own image and defaults that is wanted or under way"),
    keyGeneration: z
      .int()
      .min(0)
      .max(2_000_000_000)
      .optional()
      .describe("Number of the oldest key that workers accept; the Secret is <name>-channel-<number>"),
    keyRotation: z
      .object({
        phase: z
          .enum(ROTATION_PHASES)
          .describe("Accepting: workers learn the next key. Sending: they send with it. Dropping: they forget the old one"),
      })
      .optional()
      .describe("Rotation of the key that is under way"),
    members: mapList(member, ["name"], 1000).optional().describe("The workers, one by one"),
    conditions: mapList(condition, ["type"], 16).optional().describe("Whether it is well, and if not, why"),
  })
  .describe("What was found");

export type TomcatClusterStatus = z.output<typeof tomcatClusterStatusSchema>;
export type ConditionType = (typeof CONDITION_TYPES)[number];
