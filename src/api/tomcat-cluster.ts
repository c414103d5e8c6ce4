// TomcatCluster, what a user writes: every field with type, limits, default and meaning. The CRD is made from this schema, so it
// says nothing that a structural schema of Kubernetes cannot: no unions, no records, no unbounded list or text.
import { z } from "zod";
import { API_VERSION, KIND } from "./group.ts";

/** How CRD and parser know the keys of a list whose entries are told apart by some of their fields. */
function mapList<T extends z.ZodType>(entry: T, keys: readonly string[], maximum: number) {
  return z.array(entry).max(maximum).meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys });
}

const HOST_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const hostName = z.string().max(253).regex(HOST_NAME, "must be a host name in lower case");
const seconds = z.number().positive().max(86_400);
const port = z.int().min(1).max(65_535);

const metadata = z.object({
  name: z
    .string()
    .regex(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/, 'must be 1 to 40 of the characters a-z 0-9 "-", begin with a letter and not end with "-"')
    .describe("Name of the cluster; every object of it begins with this name"),
  namespace: z.string().max(63).optional().describe("Namespace of the cluster and of all its objects"),
});

const group = z
  .object({
    manager: z
      .object({
        type: z.enum(["Delta"]).default("Delta").describe("Session manager. Delta: every session on every worker, only changes travel"),
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
    filter: z
      .array(z.string().min(1).max(256))
      .max(64)
      .meta({ "x-kubernetes-list-type": "atomic" })
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

const hosts = mapList(
  z.object({
    name: hostName.describe("Name that the Host header is compared with"),
    aliases: z.array(hostName).max(64).default([]).meta({ "x-kubernetes-list-type": "set" }).describe("Further names of the host"),
  }),
  ["name"],
  32,
)
  .min(1)
  .default([{ name: "localhost", aliases: [] }])
  .describe("Virtual hosts; the first also takes requests for names that none has");

const applications = mapList(
  z.object({
    host: hostName.default("localhost").describe("Name of the host that serves it"),
    path: z
      .string()
      .max(255)
      .regex(/^\/$|^(\/[A-Za-z0-9._~-]+)+$/, 'must be "/", or a path such as "/shop" of letters, digits and . _ ~ - without "/" at its end')
      .describe('Path of its requests. Its files are in webapps/ of the workers: "/shop" in webapps/shop, "/" in webapps/ROOT'),
    distributable: z.boolean().default(true).describe("Whether its sessions are replicated"),
  }),
  ["host", "path"],
  256,
)
  .optional()
  .describe("Applications to run; unset: the first host runs every folder in webapps/");

const drain = z
  .object({
    quietSeconds: seconds.default(2).describe("A leaving worker closes its connectors when it has had no request for this long"),
    deadlineSeconds: seconds.default(20).describe("It closes them after this time whatever happens"),
  })
  .prefault({})
  .describe("How workers leave: on scaling down, rolling, and when their node is drained");

const balancer = z
  .object({
    replicas: z.int().min(0).max(100).optional().describe("Number of balancers; unset: created with 2, then left to an autoscaler"),
    method: z.enum(["ByRequests"]).optional().describe("Which worker takes a request without a session; unset: ByRequests, each in turn"),
    stickySession: z
      .object({
        enabled: z.boolean().optional().describe("The same session to the same worker; unset: true"),
        force: z.boolean().optional().describe("503 instead of another worker when a session's own one is unusable; unset: false"),
      })
      .prefault({})
      .describe("Requests with a session"),
    healthCheck: z
      .object({
        intervalMilliseconds: z
          .int()
          .min(100)
          .max(600_000)
          .optional()
          .describe("Period of the question whether a worker is ready; unset: 1000"),
        timeoutMilliseconds: z.int().min(10).max(600_000).optional().describe("No answer within this time is a failure; unset: 1000"),
        fall: z.int().min(1).max(100).optional().describe("Consecutive failures that take a worker out; unset: 2"),
        rise: z.int().min(1).max(100).optional().describe("Consecutive successes that bring it back; unset: 1"),
      })
      .prefault({})
      .describe("How balancers notice that a worker is ready or gone"),
    timeouts: z
      .object({
        headSeconds: seconds.optional().describe("For a client to send the head of a request; unset: 20"),
        bodyIdleSeconds: seconds.optional().describe("Without progress of a request body; unset: 20"),
        keepAliveSeconds: seconds.optional().describe("For idle connections of clients; unset: 75"),
        answerSeconds: seconds.optional().describe("For a worker to begin its answer; unset: 60"),
        answerIdleSeconds: seconds.optional().describe("Without progress of an answer; unset: 300"),
      })
      .prefault({})
      .describe("How long balancers wait"),
    service: z
      .object({ port: port.default(80).describe("Port of the Service in front of the balancers") })
      .prefault({})
      .describe("The Service in front of the balancers"),
  })
  .prefault({})
  .describe("What stands in front of the workers");

const spec = z
  .object({
    replicas: z
      .int()
      .min(0)
      .max(100)
      .default(3)
      .describe("Number of workers. Each holds every session, so more of them cost more replication"),
    group,
    membership,
    replication,
    sessions,
    hosts,
    applications,
    drain,
    balancer,
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
