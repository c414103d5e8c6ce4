// A specification for each way to keep and to break the rules between fields; nothing else is wrong with any of them.
import type { TomcatClusterManifest } from "../../src/api/index.ts";

export type Spec = NonNullable<TomcatClusterManifest["spec"]>;

export interface RuleCase {
  readonly what: string;
  readonly spec: Spec;
  readonly valid: boolean;
}

const SELECTOR = { name: "x", key: "y" };
const image = { reference: "registry.example/shop:1" };

export const RULE_CASES: readonly RuleCase[] = (
  [
    ["no membership times", {}, true],
    ["a receiver at the port of HTTP", { group: { receiver: { port: 8080 } } }, false],
    ["a receiver at the port of management", { group: { receiver: { port: 9090 } } }, false],
    ["a receiver elsewhere", { group: { receiver: { port: 4001 } } }, true],
    [
      "both further interceptors",
      interceptors(["Gzip", { compressionMinSize: 1024, statsEnabled: true, interval: 0 }], ["Throughput", { interval: 1 }]),
      true,
    ],
    ["further interceptors without attributes", interceptors(["Throughput"], ["Gzip"]), true],
    ["a Throughput with an attribute of Gzip", interceptors(["Throughput", { statsEnabled: false }]), false],
    ["a Throughput that reports never", interceptors(["Throughput", { interval: 0 }]), false],
    ["only a refresh", { membership: { refreshMilliseconds: 5000 } }, true],
    ["only an expiration", { membership: { expirationMilliseconds: 2000 } }, true],
    ["an expiration as long as the refresh", { membership: { refreshMilliseconds: 3000, expirationMilliseconds: 3000 } }, true],
    ["an expiration shorter than the refresh", { membership: { refreshMilliseconds: 3000, expirationMilliseconds: 2999 } }, false],
    ["durability Required of two", { replicas: 2, replication: { mode: "Synchronous", durability: "Required" } }, true],
    ["durability Required of one", { replicas: 1, replication: { mode: "Synchronous", durability: "Required" } }, false],
    ["durability Preferred of one", { replicas: 1, replication: { mode: "Asynchronous", durability: "Preferred" } }, true],
    ["durability Required without acknowledgements", { replicas: 2, replication: { mode: "Asynchronous", durability: "Required" } }, false],
    ["durability Required unawaited", { replicas: 2, replication: { mode: "AsynchronousAcknowledged", durability: "Required" } }, false],
    ["a deadline after the quiet time", { drain: { quietSeconds: 2, deadlineSeconds: 2 } }, true],
    ["a deadline before the quiet time", { drain: { quietSeconds: 2, deadlineSeconds: 1 } }, false],
    ["hosts with names and aliases of their own", hosts(["a", "b"], ["c", "d"]), true],
    ["an alias that is another host", hosts(["a", "c"], ["c"]), false],
    ["an alias that is the host itself", hosts(["a", "a"]), true],
    ["an alias of two hosts", hosts(["a", "x"], ["c", "x"]), false],
    ["an application of a host that is listed", { applications: [{ host: "localhost", path: "/" }] }, true],
    ["an application of a host that is not listed", { applications: [{ host: "shop", path: "/" }] }, false],
    ["no applications at all", { applications: [] }, true],
    ["an application from an image", { applications: [{ path: "/", source: { image } }] }, true],
    ["an application without a source", { applications: [{ path: "/", source: {} }] }, true],
    ["an application from two places", { applications: [{ path: "/", source: { image, claim: { name: "x" } } }] }, false],
    ["HTTPS with a certificate", { balancer: { tls: { enabled: true, secretName: "shop-tls" } } }, true],
    ["HTTPS without a certificate", { balancer: { tls: { enabled: true } } }, false],
    ["HTTPS at the port of HTTP", { balancer: { tls: { enabled: true, secretName: "x", port: 80 } } }, false],
    ["a route of a Gateway", { balancer: { httpRoute: { enabled: true, parentRefs: [{ name: "public" }] } } }, true],
    ["a route of no Gateway", { balancer: { httpRoute: { enabled: true, parentRefs: [] } } }, false],
    ["no route and no Gateway", { balancer: { httpRoute: { enabled: false, parentRefs: [] } } }, true],
    ...templateCases("workers", (template) => ({ template })),
    ...templateCases("balancers", (template) => ({ balancer: { template } })),
  ] satisfies readonly (readonly [string, Spec, boolean])[]
).map(([what, spec, valid]) => ({ what, spec, valid }));

/** Each its name, then its aliases. */
function hosts(...names: readonly [string, ...string[]][]): Spec {
  return { hosts: names.map(([name, ...aliases]) => ({ name, aliases })) };
}

type Interceptor = NonNullable<NonNullable<Spec["group"]>["interceptors"]>[number];

function interceptors(...entries: readonly (readonly [Interceptor["type"], Interceptor["attributes"]?])[]): Spec {
  return { group: { interceptors: entries.map(([type, attributes]) => ({ type, ...(attributes && { attributes }) })) } };
}

type Template = NonNullable<Spec["template"]>;

function templateCases(whose: string, within: (template: Template) => Spec): readonly (readonly [string, Spec, boolean])[] {
  const env = (variable: object) => within({ env: [{ name: "A", ...variable }] });
  const volume = (fields: object) => within({ volumes: [{ name: "v", mountPath: "/v", ...fields }] });
  return [
    [`${whose}: a variable with a value`, env({ value: "1" }), true],
    [`${whose}: a variable from a Secret`, env({ valueFrom: { secretKeyRef: SELECTOR } }), true],
    [`${whose}: a variable from two places`, env({ valueFrom: { secretKeyRef: SELECTOR, configMapKeyRef: SELECTOR } }), false],
    [`${whose}: a variable from nowhere`, env({ valueFrom: {} }), false],
    [`${whose}: a variable with two values`, env({ value: "1", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }), false],
    [`${whose}: a variable of the operator`, env({ name: "POD_IP", value: "1" }), false],
    [`${whose}: a volume`, volume({ emptyDir: {} }), true],
    [`${whose}: a volume of no kind`, volume({}), false],
    [`${whose}: a volume of two kinds`, volume({ emptyDir: {}, secret: { secretName: "x" } }), false],
    [`${whose}: a volume with the name of one of the pod's own`, volume({ emptyDir: {}, name: "work" }), false],
    [`${whose}: a volume with the name of an application's`, volume({ emptyDir: {}, name: "application-0" }), false],
    [`${whose}: a volume over the whole base folder`, volume({ emptyDir: {}, mountPath: "/usr/local/tomcat" }), false],
  ];
}
