// The balancer's settings file (YAML or JSON): fields, defaults and limits in one schema, from which --help-config is made.
import { z } from "zod";
import { TomcatClusterError } from "../base/index.ts";

/** A settings document that cannot be used. The message has one line per problem: where, what was found, what is known. */
export class InvalidBalancerSettingsError extends TomcatClusterError {
  readonly code = "INVALID_BALANCER_SETTINGS";

  constructor(source: string, problems: readonly string[]) {
    super(`The balancer settings "${source}" cannot be used:\n${problems.map((problem) => `- ${problem}`).join("\n")}`);
  }
}

/** How much of a wrong value an error repeats. */
const MAX_QUOTED = 80;
/** How zod begins its own messages, before it says what is expected. */
const ZOD_PREFIX = /^(Invalid (input|option)|Too (big|small)): /;

const port = z.int().min(0).max(65_535);
const fixedPort = z.int().min(1).max(65_535);
const seconds = z.number().positive().max(86_400);
const milliseconds = z.int().min(10).max(3_600_000);

/** The part of a route that balancers and containers agree on: both cut session ids at the first dot (balancer.md 4.1). */
const route = z.string().regex(/^[A-Za-z0-9_-]{1,59}$/, "must be 1 to 59 of the characters A-Z a-z 0-9 _ -");

const staticWorker = z.strictObject({
  name: route.describe("name of the worker in status and metrics; its route unless `route` is given"),
  route: route.optional().describe("the worker's jvmRoute; default: its name"),
  address: z.union([z.ipv4(), z.ipv6()], "must be an IP address").describe("IP address of the worker"),
  port: fixedPort.describe("HTTP port of the worker"),
  weight: z.number().min(0.01).max(100).default(1).describe("share of the requests without a session"),
  managementPort: fixedPort.optional().describe("port of its health check; default: healthCheck.port"),
});

const staticDiscovery = z.strictObject({
  type: z.literal("Static"),
  workers: z
    .array(staticWorker)
    .min(1)
    .max(1000)
    .refine((workers) => new Set(workers.map((worker) => worker.name)).size === workers.length, "two workers have the same name")
    .refine(
      (workers) => new Set(workers.map((worker) => worker.route ?? worker.name)).size === workers.length,
      "two workers have the same route",
    )
    .describe("all workers; the list does not change while the balancer runs"),
});

const addressFamily = z.enum(["IPv4", "IPv6"]);
const removeAfterSeconds = seconds
  .default(30)
  .describe("a worker that is no longer listed goes when its health check fails, or after this time");

const dnsDiscovery = z.strictObject({
  type: z.literal("DNS"),
  service: z
    .string()
    .min(1)
    .max(253)
    .describe("name of SRV records, such as _http._tcp.shop-workers; the first label of each target is a worker's name and route"),
  server: z.string().min(1).max(255).optional().describe("host:port of a DNS server to ask in place of resolv.conf's"),
  addressFamily: addressFamily.default("IPv4").describe("which of the workers' addresses are used"),
  refreshMilliseconds: milliseconds
    .default(2000)
    .describe("period of the look-up; lower notices new workers sooner and asks the server more"),
  timeoutMilliseconds: milliseconds.default(1000).describe("time for one query"),
  removeAfterSeconds,
});

const endpointSliceDiscovery = z.strictObject({
  type: z.literal("EndpointSlice"),
  service: z
    .string()
    .min(1)
    .max(63)
    .describe("name of the Kubernetes Service of the workers, such as shop-workers; a pod's name is its worker's name and route"),
  namespace: z.string().min(1).max(63).optional().describe("where the Service is; default: the namespace of this pod"),
  portName: z.string().min(1).max(63).default("http").describe("name of the port in the Service"),
  addressFamily: addressFamily
    .optional()
    .describe("which of the workers' addresses are used; default: those that there are, and of a worker with both the IPv4 one"),
  apiServer: z
    .url({ protocol: /^https$/, error: "must be an https address" })
    .max(255)
    .optional()
    .describe("https://host:port of the API server; default: what KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT say"),
  serviceAccountDirectory: z
    .string()
    .min(1)
    .max(4096)
    .default("/var/run/secrets/kubernetes.io/serviceaccount")
    .describe("folder of token, ca.crt and namespace; read again whenever the API server is asked"),
  removeAfterSeconds,
});

const schema = z.strictObject({
  listen: z
    .strictObject({
      address: z.string().min(1).max(255).optional().describe("address that clients connect to; default: every address"),
      port: port.default(8080).describe("port that clients connect to; 0: any free one"),
      maxConnections: z.int().min(1).max(1_000_000).default(10_000).describe("connections of clients; further ones are closed at once"),
      tls: z
        .strictObject({
          port: port.default(8443).describe("port that clients connect to with HTTPS; 0: any free one"),
          certificateFile: z.string().min(1).max(4096).describe("PEM file with the certificate and its chain"),
          keyFile: z.string().min(1).max(4096).describe("PEM file with its key; both are looked at again every 30 s"),
        })
        .optional()
        .describe("HTTPS beside HTTP; absent: HTTP alone"),
    })
    .prefault({}),
  management: z
    .strictObject({
      address: z.string().min(1).max(255).optional().describe("address of /livez, /readyz, /metrics and /balancer; default: every address"),
      port: port.default(9090).describe("port of the same; never the data port"),
    })
    .prefault({}),
  discovery: z
    .discriminatedUnion("type", [dnsDiscovery, endpointSliceDiscovery, staticDiscovery])
    .describe("where the workers come from: DNS, EndpointSlice or Static"),
  method: z.enum(["ByRequests"]).default("ByRequests").describe("which worker takes a request without a session"),
  stickySession: z
    .strictObject({
      enabled: z.boolean().default(true).describe("the same session to the same worker"),
      force: z.boolean().default(false).describe("503 instead of another worker when a session's own one is unusable"),
      cookie: z
        .string()
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "must be a cookie name")
        .default("JSESSIONID")
        .describe("name of the session cookie, exactly as written"),
      pathParameter: z
        .strictObject({
          enabled: z.boolean().default(false).describe("also look for the session id in the path, before the cookie"),
          name: z
            .string()
            .regex(/^[A-Za-z0-9._~-]{1,128}$/, "must be a path parameter name")
            .default("jsessionid")
            .describe("name of the path parameter, as in /shop;jsessionid=…"),
        })
        .prefault({}),
    })
    .prefault({}),
  forwarded: z
    .enum(["Replace", "Append"])
    .default("Replace")
    .describe("Replace: X-Forwarded-* of the client are dropped; Append: another trusted proxy stands in front and its values are kept"),
  backend: z
    .strictObject({
      protocol: z.enum(["HTTP"]).default("HTTP").describe("protocol towards the workers"),
      connectTimeoutMilliseconds: milliseconds.default(1000).describe("time to connect before the next worker is tried"),
      errorRetryMilliseconds: milliseconds
        .default(1000)
        .describe("how long a worker that refuses connections is left alone, unless its health check sees it sooner"),
      keepAliveSeconds: seconds.default(15).describe("how long an idle connection is kept; lower than the workers' own limit"),
      maxIdleConnections: z.int().min(0).max(100_000).default(512).describe("idle connections kept to each worker"),
      maxResponseHeaderBytes: z.int().min(1024).max(1_048_576).default(65_536).describe("head of an answer; a longer one is a 502"),
    })
    .prefault({}),
  healthCheck: z
    .strictObject({
      enabled: z.boolean().default(true).describe("ask the workers whether they are ready; off: only refused connections tell"),
      path: z
        .string()
        .regex(/^\/[!-~]{0,254}$/, "must start with /")
        .default("/readyz")
        .describe("200: serving; 503: not, or draining"),
      port: fixedPort.default(9090).describe("the workers' management port"),
      intervalMilliseconds: milliseconds.default(1000).describe("period of the question, plus or minus a tenth by chance"),
      timeoutMilliseconds: milliseconds.default(1000).describe("no answer within this time is a failure"),
      fall: z.int().min(1).max(100).default(2).describe("consecutive failures that take a worker out"),
      rise: z.int().min(1).max(100).default(1).describe("consecutive successes that bring it back"),
      unresponsiveSeconds: seconds
        .default(10)
        .describe(
          "requests that wait for a worker which has not answered health checks for this long are given up and repeated where that is safe",
        ),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      headSeconds: seconds.default(20).describe("time for a client to send the head of a request"),
      bodyIdleSeconds: seconds.default(20).describe("time without progress of a request body before 408"),
      keepAliveSeconds: seconds.default(75).describe("how long an idle client connection is kept"),
      answerSeconds: seconds.default(60).describe("time for a worker to begin its answer after the whole request before 504"),
      answerIdleSeconds: seconds.default(300).describe("time without progress of an answer, by worker or client, before it is cut"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      headerBytes: z.int().min(1024).max(1_048_576).default(16_384).describe("request line and headers of a request; more is a 431"),
      headers: z.int().min(10).max(2000).default(100).describe("header fields of a request; more is a 431"),
      retryBodyBytes: z
        .int()
        .min(0)
        .max(16_777_216)
        .default(65_536)
        .describe("request bodies up to this length are held, so that they can be sent to a second worker"),
      retryMemoryBytes: z
        .int()
        .min(0)
        .max(4_294_967_296)
        .default(67_108_864)
        .describe("memory of all held bodies together; beyond it bodies are streamed and not repeated"),
    })
    .prefault({}),
  drain: z
    .strictObject({
      quietSeconds: seconds
        .default(2)
        .describe(
          "a session of a draining worker stays there until it has been quiet for half as long, then moves; a balancer that stops leaves idle connections open until nobody has sent a request for this long",
        ),
      deadlineSeconds: seconds.default(20).describe("time for running requests when the balancer itself stops"),
    })
    .prefault({}),
});

/** Complete settings: every default filled in. */
export type BalancerSettings = z.output<typeof schema>;
/** What a file may say: what is absent has its default. Only `discovery` is required. */
export type BalancerSettingsDocument = z.input<typeof schema>;

/**
 * Checks a parsed YAML or JSON document and fills in defaults. `source` names it in errors.
 * Throws InvalidBalancerSettingsError with every problem at once.
 */
export function parseBalancerSettings(document: unknown, source = "settings"): BalancerSettings {
  const result = schema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new InvalidBalancerSettingsError(source, result.error.issues.map(describeIssue));
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.length === 0 ? "The document" : `"${issue.path.join(".")}"`;
  if (issue.code === "unrecognized_keys") {
    const unknown = issue.keys.map((key) => `"${key}"`).join(", ");
    return `${where} has the unknown field ${unknown}; known are: ${knownFields(issue.path).join(", ")}`;
  }
  if (issue.code === "invalid_union" && "discriminator" in issue && issue.discriminator !== undefined) {
    return `${where} must be one of: DNS, EndpointSlice, Static`;
  }
  if (issue.path.length === 0 && (issue.input ?? null) === null) return "The document is empty";
  if (issue.input === undefined) return `${where} is missing`;
  const found = JSON.stringify(issue.input);
  return `${where} is ${found.length > MAX_QUOTED ? `${found.slice(0, MAX_QUOTED)}…` : found}: ${issue.message.replace(ZOD_PREFIX, "")}`;
}

interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
}

function jsonSchema(): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
}

function knownFields(path: readonly PropertyKey[]): readonly string[] {
  let nodes: readonly JsonSchema[] = [jsonSchema()];
  for (const step of path) {
    nodes = nodes.flatMap((node) =>
      typeof step === "number" ? (node.items ?? []) : alternatives(node).flatMap((one) => one.properties?.[String(step)] ?? []),
    );
  }
  return [...new Set(nodes.flatMap(alternatives).flatMap((node) => Object.keys(node.properties ?? {})))];
}

function alternatives(node: JsonSchema): readonly JsonSchema[] {
  return node.oneOf ?? [node];
}

/** Every field with its type, default and meaning, as `balancer --help-config` prints it. */
export function balancerSettingsHelp(): string {
  const lines = ["Settings of the balancer, a YAML or JSON file. Only `discovery` is required.", ""];
  describeFields(jsonSchema(), "", lines);
  return `${lines.join("\n")}\n`;
}

function describeFields(node: JsonSchema, indent: string, lines: string[], firstIndent = indent): void {
  for (const [index, [name, field]] of Object.entries(node.properties ?? {}).entries()) {
    const nested = field.type === "object" || field.oneOf !== undefined || field.items?.type === "object";
    const fallback = field.default === undefined || nested ? "" : ` (default ${JSON.stringify(field.default)})`;
    const meaning = field.description === undefined ? "" : `  # ${field.description}${fallback}`;
    lines.push(`${index === 0 ? firstIndent : indent}${name}:${nested ? "" : ` <${typeName(field)}>`}${meaning}`);
    if (!nested) continue;
    if (field.items) describeFields(field.items, `${indent}    `, lines, `${indent}  - `);
    else for (const one of alternatives(field)) describeFields(one, `${indent}  `, lines);
  }
}

function typeName(field: JsonSchema): string {
  if (field.const !== undefined) return String(field.const);
  if (field.enum) return field.enum.join(" | ");
  return field.type ?? "string";
}
