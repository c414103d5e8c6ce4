// A real etcd and a real kube-apiserver for one test file, with RBAC: on loopback, without controllers and nodes, if nothing else is said.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { endsWithUs } from "./ends-with-us.ts";
import { kubernetesAssets } from "./kubernetes-assets.ts";

const START_MS = 60_000;
const STOP_MS = 20_000;
const SELF_SIGNED = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];

/** Where the nodes are that it is for. */
export interface ClusterNetwork {
  /** Where the API server keeps its own, too. */
  readonly folder: string;
  /** Of this machine, as nodes and pods reach it. */
  readonly hostAddress: string;
  /** "198.51.100.64/26": of the addresses of Services. */
  readonly serviceRange: string;
  /** The one that the Service "kubernetes" gets. */
  readonly firstServiceAddress: string;
}

export class KubeApiServer {
  /** Certificates, logs and data; removed by `stop`. */
  readonly folder: string;
  readonly port: number;
  readonly #network: ClusterNetwork | undefined;
  readonly #etcdPort: number;
  readonly #etcdPeerPort: number;
  #etcd: ChildProcess | undefined;
  #server: ChildProcess | undefined;

  private constructor(network: ClusterNetwork | undefined, [port, etcdPort, etcdPeerPort]: readonly number[]) {
    this.#network = network;
    this.folder = mkdtempSync(join(network?.folder ?? tmpdir(), "kube-"));
    this.port = port!;
    this.#etcdPort = etcdPort!;
    this.#etcdPeerPort = etcdPeerPort!;
  }

  /** With a network it is made for nodes there, for kubelets and for a controller manager. */
  static async start(network?: ClusterNetwork): Promise<KubeApiServer> {
    const cluster = new KubeApiServer(network, await freePorts(3));
    cluster.#makeCertificates();
    await cluster.startEtcd();
    await cluster.startServer();
    return cluster;
  }

  /** First the API server, which would hang without etcd; it is killed, since it would wait for those who watch. */
  async stop(): Promise<void> {
    await this.stopServer("SIGKILL");
    await this.stopEtcd();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get url(): string {
    return `https://${this.#address}:${this.port}`;
  }

  /** Of a user who may do everything. */
  get adminKubeconfig(): string {
    return this.file("admin.kubeconfig");
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Path of a kubeconfig for a service account, which is made if need be, with a token of an hour. */
  async serviceAccountKubeconfig(namespace: string, name: string): Promise<string> {
    await this.kubectl("create", "serviceaccount", name, "--namespace", namespace).catch((error: Error) => {
      if (!error.message.includes("already exists")) throw error;
    });
    const token = (await this.kubectl("create", "token", name, "--namespace", namespace)).trim();
    return this.#writeKubeconfig(`${namespace}-${name}.kubeconfig`, { token }, namespace);
  }

  /** Standard output. Rejects with what it wrote to standard error. */
  async kubectl(...args: string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: this.adminKubeconfig };
    const { stdout } = await promisify(execFile)(join(kubernetesAssets(), "kubectl"), args, { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  async startEtcd(): Promise<void> {
    const client = `http://127.0.0.1:${this.#etcdPort}`;
    const peer = `http://127.0.0.1:${this.#etcdPeerPort}`;
    this.#etcd = this.#spawn("etcd", [
      `--data-dir=${this.file("etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync",
      // As kubeadm sets it: without, the API server has nothing to make bookmarks of.
      "--watch-progress-notify-interval=5s",
      "--log-level=warn",
    ]);
    await this.#until("etcd", async () => (await fetch(`${client}/readyz`)).ok);
  }

  stopEtcd(): Promise<void> {
    const child = this.#etcd;
    this.#etcd = undefined;
    return end(child);
  }

  async startServer(): Promise<void> {
    this.#server = this.#spawn("kube-apiserver", [
      `--etcd-servers=http://127.0.0.1:${this.#etcdPort}`,
      `--secure-port=${this.port}`,
      `--bind-address=${this.#address}`,
      `--tls-cert-file=${this.file("server.crt")}`,
      `--tls-private-key-file=${this.file("server.key")}`,
      `--client-ca-file=${this.file("ca.crt")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${this.file("service-account.pub")}`,
      `--service-account-signing-key-file=${this.file("service-account.key")}`,
      "--authorization-mode=RBAC",
      "--allow-privileged=true",
      "--profiling=false",
      ...this.#networkFlags(),
    ]);
    await this.#until("kube-apiserver", () => this.#isReady());
  }

  /** SIGKILL: as a crash, while SIGTERM may take it 20 s to end. */
  stopServer(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#server;
    this.#server = undefined;
    return end(child, signal);
  }

  /** It accepts connections and says nothing until it is thawed. */
  freezeServer(): void {
    this.#server!.kill("SIGSTOP");
  }

  thawServer(): void {
    this.#server!.kill("SIGCONT");
  }

  /** Writes NAME.crt and NAME.key, for a client: "/O=group/CN=user". */
  signClientCertificate(name: string, subject: string): void {
    this.#sign(name, subject, "extendedKeyUsage=clientAuth");
  }

  /** Forgets all versions up to now: whoever resumes from an older one, after a restart of the API server, gets 410. */
  async compact(): Promise<void> {
    const call = async (path: string, body: object) => {
      const answer = await fetch(`http://127.0.0.1:${this.#etcdPort}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
      return (await answer.json()) as { header: { revision: string } };
    };
    const { header } = await call("range", { key: Buffer.from("/").toString("base64") });
    await call("compaction", { revision: header.revision, physical: true });
  }

  get #address(): string {
    return this.#network?.hostAddress ?? "127.0.0.1";
  }

  #networkFlags(): string[] {
    if (!this.#network) {
      return [
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.0.0.0/16",
        // Nobody makes the service account "default" of a namespace here: pods would be refused.
        "--disable-admission-plugins=ServiceAccount",
      ];
    }
    return [
      `--advertise-address=${this.#address}`,
      `--service-cluster-ip-range=${this.#network.serviceRange}`,
      `--kubelet-client-certificate=${this.file("admin.crt")}`,
      `--kubelet-client-key=${this.file("admin.key")}`,
      "--kubelet-preferred-address-types=InternalIP",
      // For APIs that others serve: who asks is told in headers, by a proxy that they know.
      `--proxy-client-cert-file=${this.file("front-proxy.crt")}`,
      `--proxy-client-key-file=${this.file("front-proxy.key")}`,
      `--requestheader-client-ca-file=${this.file("ca.crt")}`,
      "--requestheader-allowed-names=front-proxy",
      "--requestheader-username-headers=X-Remote-User",
      "--requestheader-group-headers=X-Remote-Group",
      "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ];
  }

  #makeCertificates(): void {
    this.#openssl(...SELF_SIGNED, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test-ca");
    const addresses = [this.#address, ...(this.#network ? [this.#network.firstServiceAddress] : [])];
    const names = [...addresses.map((address) => `IP:${address}`), "DNS:localhost", "DNS:kubernetes.default.svc"].join(",");
    this.#sign("server", "/CN=kube-apiserver", `subjectAltName=${names}`, "extendedKeyUsage=serverAuth");
    this.signClientCertificate("admin", "/O=system:masters/CN=admin");
    if (this.#network) this.signClientCertificate("front-proxy", "/CN=front-proxy");
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(this.file("service-account.key"), privateKey.export({ type: "sec1", format: "pem" }));
    writeFileSync(this.file("service-account.pub"), publicKey.export({ type: "spki", format: "pem" }));
    this.#writeKubeconfig("admin.kubeconfig", { "client-certificate": "admin.crt", "client-key": "admin.key" }, "default");
  }

  #sign(name: string, subject: string, ...extensions: string[]): void {
    const files = ["-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", `${name}.key`, "-out", `${name}.crt`];
    const added = ["basicConstraints=critical,CA:FALSE", ...extensions].flatMap((extension) => ["-addext", extension]);
    this.#openssl(...SELF_SIGNED, ...files, "-subj", subject, ...added);
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.folder, stdio: ["ignore", "ignore", "pipe"] });
  }

  #writeKubeconfig(name: string, user: object, namespace: string): string {
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace } }],
      clusters: [{ name: "test", cluster: { server: this.url, "certificate-authority": "ca.crt" } }],
      users: [{ name: "test", user }],
    };
    writeFileSync(this.file(name), JSON.stringify(config));
    return this.file(name);
  }

  #spawn(name: string, args: readonly string[]): ChildProcess {
    const log = openSync(this.file(`${name}.log`), "a");
    const command = [...endsWithUs(), join(kubernetesAssets(), name), ...args];
    const child = spawn("setpriv", command, { stdio: ["ignore", log, log] });
    closeSync(log);
    return child;
  }

  #isReady(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const request = get(`${this.url}/readyz`, { ca: readFileSync(this.file("ca.crt")), agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on("error", reject);
    });
  }

  async #until(name: string, isReady: () => Promise<boolean>): Promise<void> {
    const child = name === "etcd" ? this.#etcd! : this.#server!;
    const deadlineMs = performance.now() + START_MS;
    while (!(await isReady().catch(() => false))) {
      if (child.exitCode !== null || performance.now() > deadlineMs) {
        throw new Error(`${name} did not start:\n${readFileSync(this.file(`${name}.log`), "utf8").slice(-4000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  child.kill("SIGCONT");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port))),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
