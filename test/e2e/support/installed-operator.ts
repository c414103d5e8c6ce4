// The operator, as the chart installs it.
import type { KubeClient } from "../../../src/kube/index.ts";
import { RESOURCES } from "../../../src/kube/index.ts";
import type { Pod } from "../../../src/operator/observe/worker-pods.ts";
import { CHART, helm, RELEASE } from "../../support/helm.ts";
import { OPERATOR_IMAGE } from "./shop-images.ts";
import type { SingleNode } from "./single-node.ts";

const PROBE = `fetch(process.argv[1], { signal: AbortSignal.timeout(2000) }).then(() => "answers", (error) => error.name).then(console.log)`;

export class InstalledOperator {
  readonly #node: SingleNode;
  readonly #client: KubeClient;

  private constructor(node: SingleNode, client: KubeClient) {
    this.#node = node;
    this.#client = client;
  }

  /** Resolves when it is available, in a namespace that enforces Pod Security "restricted". */
  static async install(node: SingleNode, client: KubeClient): Promise<InstalledOperator> {
    await node.kubectl("create", "namespace", RELEASE);
    await node.kubectl("label", "namespace", RELEASE, "default", "pod-security.kubernetes.io/enforce=restricted");
    const [, repository, tag] = /^(.*):(.*)$/.exec(OPERATOR_IMAGE)!;
    const values = [`--set=image.repository=${repository}`, `--set=image.tag=${tag}`];
    await helm(["install", RELEASE, CHART, "--namespace", RELEASE, "--wait", "--timeout=2m", ...values], node.kubeconfig);
    return new InstalledOperator(node, client);
  }

  /** The chart's own test, a pod: an operator is ready, and its Service leads to it. Rejects where it is not so. */
  async check(): Promise<void> {
    await helm(["test", RELEASE, "--namespace", RELEASE, "--timeout=2m"], this.#node.kubeconfig);
  }

  async uninstall(): Promise<void> {
    await helm(["uninstall", RELEASE, "--namespace", RELEASE, "--wait"], this.#node.kubeconfig);
  }

  /** With SIGKILL; the kubelet starts it again. */
  async kill(): Promise<void> {
    const labelSelector = "app.kubernetes.io/name=tomcat-cluster-operator";
    const [pod] = await this.#client.list<Pod>(RESOURCES.Pod, { namespace: RELEASE, labelSelector });
    await this.#node.signal(RELEASE, pod!.metadata.name, "KILL");
  }

  /** "answers", or the name of the error that a request from its pod ended with: "TimeoutError" when nobody said anything for 2 s. */
  async request(url: string): Promise<string> {
    const pod = ["--namespace", RELEASE, "deployment/tomcat-cluster-operator"];
    return (await this.#node.kubectl("exec", ...pod, "--", "node", "--eval", PROBE, url)).trim();
  }

  /** What it has logged since it was started last. */
  log(): Promise<string> {
    return this.#node.kubectl("logs", "--namespace", RELEASE, "--selector=app.kubernetes.io/name=tomcat-cluster-operator", "--tail=-1");
  }
}
