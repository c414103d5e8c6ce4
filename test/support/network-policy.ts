// What NetworkPolicies mean (Kubernetes API reference, NetworkPolicySpec), for ingress of TCP between pods.
import type { KubernetesObject } from "../../src/operator/desired/index.ts";

export interface Peer {
  readonly namespace: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

interface PolicySpec {
  readonly podSelector: Selector;
  readonly ingress?: readonly {
    readonly from?: readonly { readonly podSelector?: Selector; readonly namespaceSelector?: Selector }[];
    readonly ports?: readonly { readonly protocol: string; readonly port: number }[];
  }[];
}

/** Whether a connection gets through: a pod that no policy selects takes all of them, another one what some rule of some policy allows. */
export function admits(policies: readonly KubernetesObject[], source: Peer, target: Peer, port: number): boolean {
  const selecting = policiesFor(policies, target);
  if (selecting.length === 0) return true;
  return selecting.some(({ metadata, spec }) =>
    ((spec as PolicySpec).ingress ?? []).some(({ from, ports }) => {
      const portAllowed = ports === undefined || ports.some((allowed) => allowed.protocol === "TCP" && allowed.port === port);
      const peerAllowed =
        from === undefined ||
        from.some(({ podSelector, namespaceSelector }) => {
          const inNamespace = namespaceSelector
            ? matches(namespaceSelector, source.namespaceLabels)
            : source.namespace === metadata.namespace;
          return inNamespace && (podSelector === undefined || matches(podSelector, source.labels));
        });
      return portAllowed && peerAllowed;
    }),
  );
}

/** The ports that policies name for a pod, or undefined when no policy selects it. A rule without ports, which would be all, is refused. */
export function portsOf(policies: readonly KubernetesObject[], target: Peer): readonly number[] | undefined {
  const selecting = policiesFor(policies, target);
  if (selecting.length === 0) return undefined;
  const rules = selecting.flatMap(({ spec }) => (spec as PolicySpec).ingress ?? []);
  if (rules.some(({ ports }) => ports === undefined)) throw new Error("A NetworkPolicy admits all ports, which is not handled here");
  return [...new Set(rules.flatMap(({ ports = [] }) => ports.map(({ port }) => port)))];
}

function policiesFor(policies: readonly KubernetesObject[], target: Peer): readonly KubernetesObject[] {
  return policies.filter(
    ({ metadata, spec }) => metadata.namespace === target.namespace && matches((spec as PolicySpec).podSelector, target.labels),
  );
}

function matches({ matchLabels = {} }: Selector, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}
