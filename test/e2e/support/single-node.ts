// A whole Kubernetes of one node: etcd and API server on this machine, all the rest in a sandbox of it. Needs root; see missing-node.ts.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { KubeApiServer } from "../../support/kube-api-server.ts";
import { nodeAssets } from "../../support/kubernetes-assets.ts";
import { packImages } from "./docker-archive.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { NodeProcess } from "./node-process.ts";
import * as programs from "./node-programs.ts";
import { PolicyEnforcer } from "./policy-enforcer.ts";
import { Sandbox } from "./sandbox.ts";

const READY_MS = 60_000;

interface PodStatus {
  readonly status: { readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string }[] };
}

export class SingleNode {
  readonly #sandbox: Sandbox;
  readonly #server: KubeApiServer;
  readonly #kubelet: NodeProcess;
  readonly #dns: NodeProcess;
  readonly #policies: PolicyEnforcer;

  private constructor(sandbox: Sandbox, server: KubeApiServer) {
    this.#sandbox = sandbox;
    this.#server = server;
    this.#kubelet = new NodeProcess(sandbox, "kubelet", programs.kubelet(sandbox, server));
    this.#dns = new NodeProcess(sandbox, "coredns", programs.coreDns(sandbox, server));
    this.#policies = new PolicyEnforcer(sandbox, server.adminKubeconfig);
  }

  /** Resolves when pods may come, with names and Services. Nothing is left when it rejects. */
  static async start(): Promise<SingleNode> {
    const sandbox = await Sandbox.create();
    let server: KubeApiServer | undefined;
    let node: SingleNode | undefined;
    try {
      await startRuntime(sandbox);
      server = await KubeApiServer.start(sandbox);
      node = new SingleNode(sandbox, server);
      await node.#startPrograms();
      return node;
    } catch (error) {
      if (node) await node.#policies.stop();
      await server?.stop();
      await sandbox.close();
      throw error;
    }
  }

  /** Kills every pod and the control plane, and removes all that they had. */
  async stop(): Promise<void> {
    try {
      await this.#policies.stop();
    } finally {
      await this.#server.stop();
      await this.#sandbox.close();
    }
  }

  /** Of a user who may do everything; its address works on this machine and in pods. */
  get kubeconfig(): string {
    return this.#server.adminKubeconfig;
  }

  /** The control plane: service accounts' kubeconfigs, certificates, stop and start of etcd and API server. */
  get server(): KubeApiServer {
    return this.#server;
  }

  /** Of its link on this machine and of its control groups. */
  get name(): string {
    return this.#sandbox.name;
  }

  /** What the node's programs log, a file each. */
  get logFolder(): string {
    return this.#sandbox.folder;
  }

  /** Standard output. Rejects with what it wrote to standard error. */
  kubectl(...args: string[]): Promise<string> {
    return this.#server.kubectl(...args);
  }

  /** Runs a command in the node's network, process, mount and UTS namespaces. Standard output; rejects with standard error. */
  run(...command: string[]): Promise<string> {
    return this.#sandbox.run(...command);
  }

  /** An archive as `packImages` writes it. Pods that use it must not have `imagePullPolicy: Always`. */
  async importImage(archive: string): Promise<void> {
    await importImage(this.#sandbox, archive);
  }

  /** Sends a signal ("KILL", "STOP", "CONT") to a container's first process, past kubelet and runtime. */
  async signal(namespace: string, pod: string, signal: string, container?: string): Promise<void> {
    const { status } = JSON.parse(await this.kubectl("get", "pod", pod, "--namespace", namespace, "--output", "json")) as PodStatus;
    const found = status.containerStatuses?.find(({ name }) => container === undefined || name === container);
    if (!found?.containerID) throw new Error(`Pod "${namespace}/${pod}" has no running container ${container ?? ""}`);
    const id = found.containerID.replace("containerd://", "");
    await this.run(...programs.containerdClient("tasks", "kill", "--signal", `SIG${signal}`, id));
  }

  /** Containers keep running meanwhile. Resolves when the new one answers. */
  async restartKubelet(): Promise<void> {
    await this.stopKubelet();
    await this.startKubelet();
  }

  async stopKubelet(): Promise<void> {
    await this.#kubelet.stop();
  }

  async startKubelet(): Promise<void> {
    this.#kubelet.start();
    const health = `/api/v1/nodes/${programs.NODE_NAME}/proxy/healthz`;
    await this.#kubelet.until(async () => (await this.kubectl("get", "--raw", health)) === "ok", READY_MS);
  }

  /** For a moment no name resolves. Resolves when it knows the cluster's Services again. */
  async restartDns(): Promise<void> {
    await this.stopDns();
    await this.startDns();
  }

  async stopDns(): Promise<void> {
    await this.#dns.stop();
  }

  async startDns(): Promise<void> {
    this.#dns.start();
    await this.#dns.until(() => isOk(`http://${this.#sandbox.nodeAddress}:8181/ready`), READY_MS);
  }

  /** From now on the metrics API tells what pods use, which autoscalers ask for. */
  async startMetrics(): Promise<void> {
    await startMetricsServer(this.#sandbox, this.#server);
  }

  async #startPrograms(): Promise<void> {
    const [sandbox, server] = [this.#sandbox, this.#server];
    const manager = new NodeProcess(sandbox, "kube-controller-manager", programs.controllerManager(server));
    const scheduler = new NodeProcess(sandbox, "kube-scheduler", programs.scheduler(server));
    const proxy = new NodeProcess(sandbox, "kube-proxy", programs.kubeProxy(server));
    for (const process of [manager, scheduler, proxy]) process.start();
    await Promise.all([
      this.startKubelet(),
      this.startDns(),
      this.#policies.start(),
      proxy.until(() => isOk(`http://${sandbox.nodeAddress}:10256/healthz`), READY_MS),
      // Without it no pod is admitted.
      manager.until(async () => (await this.kubectl("get", "serviceaccount", "default")) !== "", READY_MS),
    ]);
    await this.kubectl("wait", "--for=condition=Ready", `node/${programs.NODE_NAME}`, `--timeout=${READY_MS}ms`);
  }
}

async function startRuntime(sandbox: Sandbox): Promise<void> {
  const containerd = new NodeProcess(sandbox, "containerd", programs.containerd(sandbox));
  containerd.start();
  const root = join(sandbox.folder, "pause");
  mkdirSync(root);
  copyFileSync(join(nodeAssets(), "pause"), join(root, "pause"));
  const archive = join(sandbox.folder, "pause.tar");
  await packImages([{ reference: programs.PAUSE_IMAGE, config: { Entrypoint: ["/pause"], User: "65535" }, layers: [root] }], archive);
  await containerd.until(async () => (await sandbox.run(...programs.containerdClient("version"))) !== "", READY_MS);
  await importImage(sandbox, archive);
}

async function importImage(sandbox: Sandbox, archive: string): Promise<void> {
  await sandbox.run(...programs.containerdClient("images", "import", archive));
}

async function isOk(url: string): Promise<boolean> {
  return (await fetch(url)).ok;
}
