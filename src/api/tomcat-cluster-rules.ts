// What must hold between fields. Each rule is one sentence, one CEL expression for the API server, and one function for `local`,
// `render` and the operator; a test holds the two together.
import type { PodTemplate } from "./pod-template-schema.ts";
import type { TomcatCluster } from "./tomcat-cluster.ts";

export interface TomcatClusterRule {
  /** Where the rule belongs in the schema, and `self` of its expression; "[]" stands for every entry of a list. */
  readonly path: readonly string[];
  readonly cel: string;
  /** Follows the path. */
  readonly message: string;
  /** `self` is what lies at the path, with defaults. */
  readonly holds: (self: unknown) => boolean;
}

type Spec = TomcatCluster["spec"];
type Interceptor = NonNullable<Spec["group"]["interceptors"]>[number];
type Source = NonNullable<NonNullable<Spec["applications"]>[number]["source"]>;
type EnvironmentVariable = NonNullable<PodTemplate["env"]>[number];
type Volume = NonNullable<PodTemplate["volumes"]>[number];

/** Variables that workers and balancers get from the operator. */
export const RESERVED_VARIABLES = ["POD_NAME", "POD_IP", "DNS_MEMBERSHIP_SERVICE_NAME"] as const;
/** Folders that the operator mounts, or that hold what the image brings. */
const RESERVED_FOLDERS = [
  ...["/", "/tmp", "/etc/tomcat-cluster", "/run/secrets/tomcat-cluster/channel-keys", "/run/secrets/tomcat-cluster/tls"],
  ...["/usr/local/tomcat", "/usr/local/tomcat/conf/server.xml", "/usr/local/tomcat/temp", "/usr/local/tomcat/work"],
];
/** Volumes that the operator makes; beside them "application-" and a number. */
const RESERVED_VOLUMES = ["configuration", "channel-keys", "tls", "tmp", "temp", "work"] as const;
const VOLUME_KINDS = ["configMap", "secret", "persistentVolumeClaim", "emptyDir"] as const;
const SOURCE_KINDS = ["image", "url", "configMap", "claim"] as const;
const VALUE_KINDS = ["configMapKeyRef", "secretKeyRef", "fieldRef"] as const;

function rule<Self>(path: string, cel: string, message: string, holds: (self: Self) => boolean): TomcatClusterRule {
  return { path: path.split("."), cel, message, holds: (self) => holds(self as Self) };
}

function given(self: Readonly<Record<string, unknown>>, kinds: readonly string[]): number {
  return kinds.filter((kind) => self[kind] !== undefined).length;
}

function celCount(self: string, kinds: readonly string[]): string {
  return `[${kinds.map((kind) => `has(${self}.${kind})`).join(", ")}].filter(x, x).size()`;
}

function celList(texts: readonly string[]): string {
  return `[${texts.map((text) => `'${text}'`).join(", ")}]`;
}

export const TOMCAT_CLUSTER_RULES: readonly TomcatClusterRule[] = [
  rule<Spec["group"]>(
    "spec.group",
    "self.receiver.port != 8080 && self.receiver.port != 9090",
    "receiver.port must not be 8080 or 9090, where workers have HTTP and management",
    ({ receiver }) => receiver.port !== 8080 && receiver.port !== 9090,
  ),
  rule<Interceptor>(
    "spec.group.interceptors.[]",
    "self.type == 'Gzip' || !has(self.attributes) || (!has(self.attributes.compressionMinSize) && !has(self.attributes.statsEnabled))",
    "attributes.compressionMinSize and attributes.statsEnabled belong to Gzip: remove them",
    ({ type, attributes: { compressionMinSize, statsEnabled } = {} }) =>
      type === "Gzip" || (compressionMinSize === undefined && statsEnabled === undefined),
  ),
  rule<Interceptor>(
    "spec.group.interceptors.[]",
    "self.type == 'Gzip' || !has(self.attributes) || !has(self.attributes.interval) || self.attributes.interval >= 1",
    "attributes.interval of Throughput must be 1 or more",
    ({ type, attributes: { interval = 1 } = {} }) => type === "Gzip" || interval >= 1,
  ),
  rule<Spec["membership"]>(
    "spec.membership",
    "!has(self.refreshMilliseconds) || !has(self.expirationMilliseconds) || self.expirationMilliseconds >= self.refreshMilliseconds",
    "expirationMilliseconds must not be shorter than refreshMilliseconds, or every member would expire between two look-ups",
    ({ refreshMilliseconds, expirationMilliseconds }) =>
      refreshMilliseconds === undefined || expirationMilliseconds === undefined || expirationMilliseconds >= refreshMilliseconds,
  ),
  rule<Spec["replication"]>(
    "spec.replication",
    "!has(self.durability) || self.durability != 'Required' || self.mode == 'Synchronous'",
    "durability Required needs the mode Synchronous: only an acknowledgement tells that another worker has a change",
    ({ durability, mode }) => durability !== "Required" || mode === "Synchronous",
  ),
  rule<Spec>(
    "spec",
    "!has(self.replication.durability) || self.replication.durability != 'Required' || self.replicas >= 2",
    "replication.durability Required needs replicas of 2 or more, or every change would be answered with 503",
    ({ replication, replicas }) => replication.durability !== "Required" || replicas >= 2,
  ),
  rule<Spec["drain"]>(
    "spec.drain",
    "self.deadlineSeconds >= self.quietSeconds",
    "deadlineSeconds must not be shorter than quietSeconds",
    ({ deadlineSeconds, quietSeconds }) => deadlineSeconds >= quietSeconds,
  ),
  rule<Spec>(
    "spec",
    "self.hosts.all(h, self.hosts.exists_one(o, o.name == h.name || h.name in o.aliases))",
    "the name of a host must not be the name or an alias of another host",
    ({ hosts }) =>
      hosts.every((host) => hosts.filter((other) => other.name === host.name || other.aliases.includes(host.name)).length === 1),
  ),
  rule<Spec>(
    "spec",
    "self.hosts.all(h, h.aliases.all(a, self.hosts.exists_one(o, o.name == a || a in o.aliases)))",
    "an alias must belong to one host only",
    ({ hosts }) =>
      hosts.every((host) =>
        host.aliases.every((alias) => hosts.filter((other) => other.name === alias || other.aliases.includes(alias)).length === 1),
      ),
  ),
  rule<Spec>(
    "spec",
    "!has(self.applications) || self.applications.all(a, self.hosts.exists(h, h.name == a.host))",
    "the host of every application must be listed in hosts",
    ({ hosts, applications = [] }) => applications.every((application) => hosts.some((host) => host.name === application.host)),
  ),
  rule<Source>(
    "spec.applications.[].source",
    `${celCount("self", SOURCE_KINDS)} <= 1`,
    `at most one of ${SOURCE_KINDS.join(", ")} may be given`,
    (self) => given(self, SOURCE_KINDS) <= 1,
  ),
  rule<Spec["balancer"]["tls"]>(
    "spec.balancer.tls",
    "!self.enabled || has(self.secretName)",
    "secretName must name the Secret with certificate and key",
    ({ enabled, secretName }) => !enabled || secretName !== undefined,
  ),
  rule<Spec["balancer"]>(
    "spec.balancer",
    "!self.tls.enabled || self.tls.port != self.service.port",
    "tls.port must not be service.port: HTTP and HTTPS have a port each",
    ({ tls, service }) => !tls.enabled || tls.port !== service.port,
  ),
  rule<Spec["balancer"]["httpRoute"]>(
    "spec.balancer.httpRoute",
    "!self.enabled || self.parentRefs.size() > 0",
    "parentRefs must name the Gateway that the route belongs to",
    ({ enabled, parentRefs }) => !enabled || parentRefs.length > 0,
  ),
  ...["spec.template", "spec.balancer.template"].flatMap(podTemplateRules),
];

function podTemplateRules(path: string): readonly TomcatClusterRule[] {
  return [
    rule<EnvironmentVariable>(
      `${path}.env.[]`,
      `!(self.name in ${celList(RESERVED_VARIABLES)})`,
      `${RESERVED_VARIABLES.join(", ")} are set by the operator`,
      ({ name }) => !RESERVED_VARIABLES.some((reserved) => reserved === name),
    ),
    rule<EnvironmentVariable>(
      `${path}.env.[]`,
      "!has(self.value) || !has(self.valueFrom)",
      "only one of value and valueFrom may be given",
      ({ value, valueFrom }) => value === undefined || valueFrom === undefined,
    ),
    rule<NonNullable<EnvironmentVariable["valueFrom"]>>(
      `${path}.env.[].valueFrom`,
      `${celCount("self", VALUE_KINDS)} == 1`,
      `exactly one of ${VALUE_KINDS.join(", ")} must be given`,
      (self) => given(self, VALUE_KINDS) === 1,
    ),
    rule<Volume>(
      `${path}.volumes.[]`,
      `${celCount("self", VOLUME_KINDS)} == 1`,
      `exactly one of ${VOLUME_KINDS.join(", ")} must be given`,
      (self) => given(self, VOLUME_KINDS) === 1,
    ),
    rule<Volume>(
      `${path}.volumes.[]`,
      `!(self.name in ${celList(RESERVED_VOLUMES)}) && !self.name.startsWith('application-')`,
      `name must not be ${RESERVED_VOLUMES.join(", ")} or begin with application-: these are volumes of the pod itself`,
      ({ name }) => !RESERVED_VOLUMES.some((reserved) => reserved === name) && !name.startsWith("application-"),
    ),
    rule<Volume>(
      `${path}.volumes.[]`,
      `!(self.mountPath in ${celList(RESERVED_FOLDERS)})`,
      `mountPath must not be one that the pod needs itself: ${RESERVED_FOLDERS.join(", ")}`,
      ({ mountPath }) => !RESERVED_FOLDERS.some((reserved) => reserved === mountPath),
    ),
  ];
}

/** What the API server alone can check: the name as a whole, and what an update may change. `self` is the whole object. */
export const API_SERVER_RULES: readonly Pick<TomcatClusterRule, "cel" | "message">[] = [
  {
    cel: "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')",
    message:
      'metadata.name must be 1 to 40 of the characters a-z 0-9 "-", begin with a letter and not end with "-": pods, Services and routes are named after it',
  },
  {
    cel: "self.spec.group == oldSelf.spec.group || !has(oldSelf.status) || !has(oldSelf.status.replicas) || oldSelf.status.replicas == 0",
    message:
      "spec.group cannot change while a worker runs: workers with the new group would not hear those with the old one, and the sessions " +
      "of these would be lost. Apply the change to a TomcatCluster of another name and move traffic there; or, where sessions may be " +
      "lost, set spec.replicas to 0, wait until status.replicas is 0, and then change spec.group",
  },
];
