// TomcatCluster, what a user writes: every field with type, limits, default and meaning. The CRD is made from this schema, so it
// says nothing that a structural schema of Kubernetes cannot: no unions, no records, no unbounded list or text.
import { z } from "zod";
import { applications, configuration, hosts } from "./application-schema.ts";
import { balancer } from "./balancer-schema.ts";
import { API_VERSION, KIND } from "./group.ts";
import { podTemplate } from "./pod-template-schema.ts";
import { atomicList, image, labels, mapList, port, seconds } from "./schema-parts.ts";

const metadata = z.object({
  name: z
    .string()
    .regex(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/, 'must be 1 to 40 of the characters a-z 0-9 "-", begin with a letter and not end with "-"')
    .describe("Name of the cluster; every object of it begins with this name"),
  namespace: z.string().max(63).optional().describe("Namespace of the cluster and of all its objects"),
});

const interceptorAttributes = z
  .object({
    compressionMinSize: z.int().min(0).max(1_000_000_000).optional().describe("Bytes: larger messages are compressed; unset: 0. Of Gzip"),
    statsEnabled: z.boolean().optional().describe("Whether /cluster and the log tell how much was compressed; unset: false. Of Gzip"),
    interval: z
      .int()
      .min(0)
      .max(1_000_000_000)
      .optional()
      .describe("Messages from one line of statistics in the log to the next. Of Gzip; unset or 0: none. Of Throughput; unset: 10000"),
  })
  .describe("Attributes under the names that Tomcat gives them");

const interceptor = z.object({
  type: z
    .enum(["Gzip", "Throughput"])
    .describe(
      "Gzip: messages are compressed before they are encrypted. Throughput: the log and metrics tell how much travels, and how fast",
    ),
  attributes: interceptorAttributes.optional(),
});

const group = z
  .object({
    manager: z
      .object({
        type: z
          .enum(["Delta", "Backup"])
          .default("Delta")
          .describe(
            "Session manager. Delta: every session on every worker, only changes travel. " +
              "Backup: every session on the worker that serves it and on one other, whichever has its turn; for many workers",
          ),
      })
      .prefault({})
      .describe("How sessions are kept"),
    receiver: z
      .object({ port: port.default(4000).describe("TCP port for messages of the group, the same on every worker") })
      .prefault({})
      .describe("Where workers listen for each other"),
    encryption: z
      .object({
        mode: z
          .enum(["SharedKey", "Disabled"])
          .default("SharedKey")
          .describe(
            "SharedKey: contents of messages between workers are encrypted with a generated key (AES-256-GCM), and only who has it is listened to. " +
              "Disabled: they travel in the clear; keep the workers in a network of their own",
          ),
      })
      .prefault({})
      .describe("Protection of messages between workers"),
    interceptors: mapList(interceptor, ["type"], 2)
      .optional()
      .describe("Further layers of the channel; the operator knows their places among those that it always has"),
  })
  .prefault({})
  .describe("What all members of the group share");

const membership = z
  .object({
    type: z.enum(["DNS"]).default("DNS").describe("DNS: the members are the addresses of the headless Service"),
    refreshMilliseconds: z
      .int()
      .min(100)
      .max(5000)
      .optional()
      .describe("Period of the look-up; unset: 2000. Lower notices members sooner and asks the DNS server more"),
    expirationMilliseconds: z
      .int()
      .min(2000)
      .max(600_000)
      .optional()
      .describe("How long a member stays that DNS no longer lists and that does not answer; unset: 5000"),
  })
  .prefault({})
  .describe("How workers find each other");

const replication = z
  .object({
    mode: z
      .enum(["Synchronous", "Asynchronous", "AsynchronousAcknowledged"])
      .default("Synchronous")
      .describe(
        "Synchronous: an answer leaves when the others have its changes. Asynchronous: they are sent before it leaves. " +
          "AsynchronousAcknowledged: also repeated when they are not acknowledged",
      ),
    durability: z
      .enum(["Preferred", "Required"])
      .optional()
      .describe(
        "What becomes of a request whose changes no other worker has. Preferred: it is answered and counted. " +
          "Required: it is answered with 503. Unset: Preferred",
      ),
    ackTimeoutMilliseconds: z
      .int()
      .min(100)
      .max(60_000)
      .default(1000)
      .describe("How long a request waits for one worker's acknowledgement"),
    filter: atomicList(z.string().min(1).max(256), 64)
      .optional()
      .describe("Regular expressions on the whole request path: after requests that match one, nothing is replicated"),
  })
  .prefault({})
  .describe("How changes of sessions travel");

const sessions = z
  .object({
    timeoutSeconds: z
      .int()
      .min(1)
      .max(31_536_000)
      .optional()
      .describe("Unused sessions end after this time; unset: 1800, or what the application says"),
    maxActive: z
      .int()
      .min(1)
      .max(10_000_000)
      .optional()
      .describe("Sessions of one application; further ones are refused with 503; unset: 100000"),
    cookie: z
      .object({
        name: z
          .string()
          .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "must be a cookie name: letters, digits and !#$%&'*+.^_`|~-")
          .optional()
          .describe("Name of the session cookie; unset: JSESSIONID"),
        sameSite: z.enum(["None", "Lax", "Strict"]).optional().describe("SameSite of the session cookie; unset: the attribute is left out"),
      })
      .prefault({})
      .describe("The cookie that carries the session id"),
  })
  .prefault({})
  .describe("Sessions of every application");

const drain = z
  .object({
    quietSeconds: seconds.default(2).describe("A leaving worker closes its connectors when it has had no request for this long"),
    deadlineSeconds: seconds
      .default(20)
      .describe(
        "It closes them after this time whatever happens; quietSeconds earlier, balancers are told to move sessions that are still in use",
      ),
  })
  .prefault({})
  .describe("How workers leave: on scaling down, rolling, and when their node is drained");

const updatePolicy = z
  .object({
    image: z
      .enum(["Manual", "Automatic"])
      .default("Manual")
      .describe(
        "Manual: balancers, and workers where spec.image is unset, keep the image and the defaults that the cluster was created with. " +
          "Automatic: a new version of the operator brings its own, and replaces them, one cluster at a time",
      ),
    paused: z.boolean().default(false).describe("Whether workers keep what they run: changes wait until this is false again"),
  })
  .prefault({})
  .describe("When workers are replaced by ones with a new image or configuration");

const disruptionBudget = z
  .object({
    enabled: z.boolean().default(true).describe("Whether workers and balancers have a PodDisruptionBudget"),
    maxUnavailable: z.int().min(0).max(100).default(1).describe("How many workers may be away at once because somebody drains nodes"),
  })
  .prefault({})
  .describe("How many pods Kubernetes may evict at a time. Pods that are not ready are never held back");

const networkPolicy = z
  .object({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        "Whether NetworkPolicies leave the workers' receivers to workers, their connectors to balancers, and management ports to balancers, " +
          "the operator and monitoring. The network of the Kubernetes cluster has to enforce them",
      ),
    monitoring: z
      .object({
        namespaceLabels: labels
          .default({ "kubernetes.io/metadata.name": "monitoring" })
          .describe("Labels of the namespaces whose pods may read metrics; empty: every namespace"),
      })
      .prefault({})
      .describe("Who may read metrics"),
  })
  .prefault({})
  .describe("Who may connect to the pods");

const monitor = (what: string) =>
  z
    .object({
      enabled: z.boolean().default(false).describe(`Whether there is one, where Kubernetes knows the kind ${what}`),
      labels: labels.optional().describe("Its labels, by which a Prometheus chooses"),
    })
    .prefault({});

const monitoring = z
  .object({
    podMonitor: monitor("PodMonitor").describe(
      "PodMonitors for the Prometheus operator; off: the pods have prometheus.io annotations instead",
    ),
    prometheusRule: monitor("PrometheusRule").describe("Alerts for the Prometheus operator"),
  })
  .prefault({})
  .describe("How Prometheus finds the pods");

const spec = z
  .object({
    replicas: z
      .int()
      .min(0)
      .max(100)
      .default(3)
      .describe("Number of workers. Each holds every session, so more of them cost more replication"),
    image: image.optional().describe("Image of the workers, made from the operator's own; unset: that one, see updatePolicy.image"),
    group,
    membership,
    replication,
    sessions,
    hosts,
    applications,
    configuration,
    drain,
    updatePolicy,
    template: podTemplate("workers"),
    balancer,
    disruptionBudget,
    networkPolicy,
    monitoring,
  })
  .prefault({});

export const tomcatClusterSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  metadata,
  spec: spec.describe("What is wanted"),
});

/** A manifest with every default of the Kubernetes side filled in; what the data plane has a default for stays unset. */
export type TomcatCluster = z.output<typeof tomcatClusterSchema>;
/** A manifest as it may be written. */
export type TomcatClusterManifest = z.input<typeof tomcatClusterSchema>;
export type ReplicationMode = TomcatCluster["spec"]["replication"]["mode"];
