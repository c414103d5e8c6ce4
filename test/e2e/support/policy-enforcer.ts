// What the bridge network lacks: what no NetworkPolicy admits is dropped between pods, by rules of iptables that follow policies and pods.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/base/index.ts";
import { type Informer, KubeConfigCredentials, type KubeObject, RESOURCES } from "../../../src/kube/index.ts";
import type { KubernetesObject } from "../../../src/operator/desired/index.ts";
import { KubeTestClient } from "../../support/kube-test-client.ts";
import { admits, type Peer, portsOf } from "../../support/network-policy.ts";
import type { Sandbox } from "./sandbox.ts";

const CHAIN = "NETWORK-POLICY";

interface Pod extends KubeObject {
  readonly status?: { readonly phase?: string; readonly podIP?: string };
}

interface AddressedPeer extends Peer {
  readonly address: string;
}

/**
 * Ingress of TCP, as `admits` knows it. This machine is to the pods what their node is: it reaches all of them. A pod that has just started
 * connects freely until its status says its address.
 */
export class PolicyEnforcer {
  readonly #sandbox: Sandbox;
  readonly #kube: KubeTestClient;
  readonly #pods: Informer<Pod>;
  readonly #policies: Informer<KubeObject>;
  readonly #namespaces: Informer<KubeObject>;
  #isDue = false;
  #written: Promise<void> = Promise.resolve();

  constructor(sandbox: Sandbox, kubeconfig: string) {
    this.#sandbox = sandbox;
    this.#kube = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig }));
    this.#pods = this.#kube.informer<Pod>({ resource: RESOURCES.Pod });
    this.#policies = this.#kube.informer({ resource: RESOURCES.NetworkPolicy });
    this.#namespaces = this.#kube.informer({ resource: RESOURCES.Namespace });
  }

  async start(): Promise<void> {
    await this.#kube.client.start();
    const change = () => this.#writeSoon();
    for (const informer of this.#informers) {
      informer.addHandler({ added: change, updated: change, deleted: change });
      await informer.start();
    }
    await this.#written;
    await this.#write();
    await this.#sandbox.run("iptables", "--wait", "--insert", "FORWARD", "--jump", CHAIN);
  }

  /** Rejects if rules could not be written at any time. */
  async stop(): Promise<void> {
    for (const informer of this.#informers) await informer.stop();
    await this.#kube.client.stop();
    await this.#written;
  }

  get #informers(): readonly Informer<KubeObject>[] {
    return [this.#pods, this.#policies, this.#namespaces];
  }

  #writeSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#written = this.#written.then(() => {
      this.#isDue = false;
      return this.#write();
    });
    // Whoever stops it is told.
    this.#written.catch(() => undefined);
  }

  async #write(): Promise<void> {
    const policies = [...this.#policies.objects.values()] as unknown as KubernetesObject[];
    const file = join(this.#sandbox.folder, "network-policy.rules");
    writeFileSync(file, rulesOf(this.#peers(), policies));
    await this.#sandbox.run("sh", "-c", `iptables-restore --wait --noflush < ${file}`);
  }

  #peers(): AddressedPeer[] {
    return [...this.#pods.objects.values()].flatMap(({ metadata, status }) => {
      const address = status?.podIP;
      if (!address || status.phase === "Succeeded" || status.phase === "Failed") return [];
      const namespace = metadata.namespace!;
      const namespaceLabels = this.#namespaces.objects.get({ name: namespace })?.metadata.labels ?? {};
      return [{ address, namespace, namespaceLabels, labels: metadata.labels ?? {} }];
    });
  }
}

function rulesOf(peers: readonly AddressedPeer[], policies: readonly KubernetesObject[]): string {
  const lines = ["*filter", `:${CHAIN} - [0:0]`, `-A ${CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN`];
  for (const target of peers) {
    const ports = portsOf(policies, target);
    // No policy selects it.
    if (ports === undefined) continue;
    for (const source of peers) {
      const pair = `-A ${CHAIN} -s ${source.address} -d ${target.address}`;
      const admitted = ports.filter((port) => admits(policies, source, target, port));
      for (const port of admitted) lines.push(`${pair} -p tcp --dport ${port} -j RETURN`);
      lines.push(`${pair} -j DROP`);
    }
  }
  return `${[...lines, "COMMIT"].join("\n")}\n`;
}
