// What a manifest says that has a meaning on Kubernetes alone.
import { isDeepStrictEqual } from "node:util";
import { parseTomcatCluster, type TomcatCluster } from "../api/index.ts";

/** Paths below spec of what has no counterpart among processes on one machine. */
const FIELDS = [
  "image",
  "updatePolicy",
  "template",
  "balancer.replicas",
  "balancer.service",
  "balancer.tls",
  "balancer.ingress",
  "balancer.httpRoute",
  "balancer.template",
  "disruptionBudget",
  "networkPolicy",
  "monitoring",
] as const;

/** A line per thing that is passed over or done otherwise here; none for a manifest that means the same here and there. */
export function kubernetesOnlyNotices(cluster: TomcatCluster): readonly string[] {
  const { apiVersion, kind, metadata, spec } = cluster;
  const plain = parseTomcatCluster({ apiVersion, kind, metadata }).spec;
  const passedOver = FIELDS.filter((field) => !isDeepStrictEqual(at(spec, field), at(plain, field))).map((field) => `spec.${field}`);
  const fromElsewhere = (spec.applications ?? []).flatMap(({ path, source }) => {
    const [kindOfSource] = Object.keys(source ?? {});
    return kindOfSource === undefined
      ? []
      : [`The application "${path}" is taken from webapps/ beside the manifest, not from its ${kindOfSource}`];
  });
  return [...(passedOver.length === 0 ? [] : [`Passed over here, it is for Kubernetes: ${passedOver.join(", ")}`]), ...fromElsewhere];
}

function at(spec: unknown, field: string): unknown {
  return field.split(".").reduce((value, step) => (value as Record<string, unknown>)[step], spec);
}
