// What each program of the node is told: its command line and its configuration file.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeApiServer } from "../../support/kube-api-server.ts";
import { metricsServer as metricsServerProgram, nodeAssets } from "../../support/kubernetes-assets.ts";
import type { Sandbox } from "./sandbox.ts";

export const NODE_NAME = "node";
/** Of metrics-server, on the node's address. */
export const METRICS_PORT = 4443;
export const PAUSE_IMAGE = "registry.local/pause:1";
const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";

type Command = readonly string[];

/** Those of Debian's packages are found on the path. */
const built = (name: string) => join(nodeAssets(), name);

function configFile(sandbox: Sandbox, name: string, content: string): string {
  const file = join(sandbox.folder, "configuration", name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content);
  return file;
}

export function containerd(sandbox: Sandbox): Command {
  const bridge = {
    type: "bridge",
    bridge: "pods",
    isGateway: true,
    // A pod that calls its own Service may get itself.
    hairpinMode: true,
    ipam: { type: "host-local", ranges: [[{ subnet: sandbox.podRange }]], routes: [{ dst: "0.0.0.0/0" }] },
  };
  const network = configFile(sandbox, "cni/pods.conflist", JSON.stringify({ cniVersion: "0.4.0", name: "pods", plugins: [bridge] }));
  const configuration = `version = 2
[grpc]
  address = "${CONTAINERD_SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE nobody may lower it, and no container would start.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${join(network, "..")}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`;
  return ["containerd", "--config", configFile(sandbox, "containerd.toml", configuration)];
}

/** containerd's own client, in the namespace that the kubelet uses. */
export function containerdClient(...args: string[]): string[] {
  return ["ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", ...args];
}

export function kubelet(sandbox: Sandbox, server: KubeApiServer): Command {
  const configuration = {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: sandbox.nodeAddress,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: false }, x509: { clientCAFile: server.file("ca.crt") } },
    authorization: { mode: "AlwaysAllow" },
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${sandbox.name}`,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    // The sandbox shows it the settings that it wants; it is not to change those of this machine.
    protectKernelDefaults: true,
    clusterDomain: "cluster.local",
    clusterDNS: [sandbox.nodeAddress],
    resolvConf: "",
    volumePluginDir: "/var/lib/kubelet/volume-plugins",
    // A changed Secret or ConfigMap reaches running pods after at most this and half of it, not a minute and a half.
    syncFrequency: "10s",
    // A full disk of this machine is not what is tested.
    imageGCHighThresholdPercent: 100,
    evictionHard: { "memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%" },
  };
  return [
    built("kubelet"),
    `--config=${configFile(sandbox, "kubelet.json", JSON.stringify(configuration))}`,
    `--kubeconfig=${server.adminKubeconfig}`,
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${sandbox.nodeAddress}`,
  ];
}

export function kubeProxy(server: KubeApiServer): Command {
  return [
    built("kube-proxy"),
    `--kubeconfig=${server.adminKubeconfig}`,
    `--hostname-override=${NODE_NAME}`,
    "--proxy-mode=iptables",
    // These would be settings of the whole machine.
    "--conntrack-max-per-core=0",
    "--conntrack-min=0",
    "--conntrack-tcp-timeout-established=0",
    "--conntrack-tcp-timeout-close-wait=0",
  ];
}

export function controllerManager(server: KubeApiServer): Command {
  return [
    built("kube-controller-manager"),
    `--kubeconfig=${server.adminKubeconfig}`,
    `--root-ca-file=${server.file("ca.crt")}`,
    `--service-account-private-key-file=${server.file("service-account.key")}`,
    "--flex-volume-plugin-dir=/var/lib/kubelet/volume-plugins",
    "--leader-elect=false",
    "--secure-port=0",
    // Autoscalers look every two seconds, not every fifteen.
    "--horizontal-pod-autoscaler-sync-period=2s",
  ];
}

/** What measures pods for autoscalers, with the shortest interval that it takes. It listens on METRICS_PORT. */
export function metricsServer(sandbox: Sandbox, server: KubeApiServer): Command {
  return [
    metricsServerProgram(),
    `--kubeconfig=${server.adminKubeconfig}`,
    `--authentication-kubeconfig=${server.adminKubeconfig}`,
    `--authorization-kubeconfig=${server.adminKubeconfig}`,
    `--bind-address=${sandbox.nodeAddress}`,
    `--secure-port=${METRICS_PORT}`,
    `--cert-dir=${join(sandbox.folder, "metrics-server")}`,
    "--kubelet-insecure-tls",
    "--kubelet-preferred-address-types=InternalIP",
    "--metric-resolution=10s",
    "--kubelet-request-timeout=5s",
  ];
}

export function scheduler(server: KubeApiServer): Command {
  return [built("kube-scheduler"), `--kubeconfig=${server.adminKubeconfig}`, "--leader-elect=false", "--secure-port=0"];
}

/** As kubeadm sets CoreDNS up, but for names outside of the cluster: there are none. It is ready when port 8181 says so. */
export function coreDns(sandbox: Sandbox, server: KubeApiServer): Command {
  const configuration = `.:53 {
  bind ${sandbox.nodeAddress}
  errors
  ready ${sandbox.nodeAddress}:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${server.adminKubeconfig}
    ttl 30
  }
  cache 30 {
    disable success cluster.local
    disable denial cluster.local
  }
  loadbalance
}
`;
  return [built("coredns"), "-conf", configFile(sandbox, "Corefile", configuration)];
}
