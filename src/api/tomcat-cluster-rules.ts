// What must hold between fields. Each rule is one sentence, one CEL expression for the API server, and one function for `local`,
// `render` and the operator; a test holds the two together.
import type { TomcatCluster } from "./tomcat-cluster.ts";

export interface TomcatClusterRule {
  /** Where the rule belongs in the schema, and `self` of its expression. */
  readonly path: readonly string[];
  readonly cel: string;
  /** Follows the path. */
  readonly message: string;
  readonly holds: (cluster: TomcatCluster) => boolean;
}

export const TOMCAT_CLUSTER_RULES: readonly TomcatClusterRule[] = [
  {
    path: ["spec", "membership"],
    cel: "!has(self.refreshMilliseconds) || !has(self.expirationMilliseconds) || self.expirationMilliseconds >= self.refreshMilliseconds",
    message: "expirationMilliseconds must not be shorter than refreshMilliseconds, or every member would expire between two look-ups",
    holds: ({ spec: { membership } }) =>
      membership.refreshMilliseconds === undefined ||
      membership.expirationMilliseconds === undefined ||
      membership.expirationMilliseconds >= membership.refreshMilliseconds,
  },
  {
    path: ["spec", "replication"],
    cel: "!has(self.durability) || self.durability != 'Required' || self.mode == 'Synchronous'",
    message: "durability Required needs the mode Synchronous: only an acknowledgement tells that another worker has a change",
    holds: ({ spec: { replication } }) => replication.durability !== "Required" || replication.mode === "Synchronous",
  },
  {
    path: ["spec"],
    cel: "!has(self.replication.durability) || self.replication.durability != 'Required' || self.replicas >= 2",
    message: "replication.durability Required needs replicas of 2 or more, or every change would be answered with 503",
    holds: ({ spec: { replication, replicas } }) => replication.durability !== "Required" || replicas >= 2,
  },
  {
    path: ["spec", "drain"],
    cel: "self.deadlineSeconds >= self.quietSeconds",
    message: "deadlineSeconds must not be shorter than quietSeconds",
    holds: ({ spec: { drain } }) => drain.deadlineSeconds >= drain.quietSeconds,
  },
  {
    path: ["spec"],
    cel: "self.hosts.all(h, self.hosts.exists_one(o, o.name == h.name || h.name in o.aliases))",
    message: "the name of a host must not be the name or an alias of another host",
    holds: ({ spec: { hosts } }) =>
      hosts.every((host) => hosts.filter((other) => other.name === host.name || other.aliases.includes(host.name)).length === 1),
  },
  {
    path: ["spec"],
    cel: "self.hosts.all(h, h.aliases.all(a, self.hosts.exists_one(o, o.name == a || a in o.aliases)))",
    message: "an alias must belong to one host only",
    holds: ({ spec: { hosts } }) =>
      hosts.every((host) =>
        host.aliases.every((alias) => hosts.filter((other) => other.name === alias || other.aliases.includes(alias)).length === 1),
      ),
  },
  {
    path: ["spec"],
    cel: "!has(self.applications) || self.applications.all(a, self.hosts.exists(h, h.name == a.host))",
    message: "the host of every application must be listed in hosts",
    holds: ({ spec: { hosts, applications = [] } }) =>
      applications.every((application) => hosts.some((host) => host.name === application.host)),
  },
];
