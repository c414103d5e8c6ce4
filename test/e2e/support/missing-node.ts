// What a machine needs to run SingleNode.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { missingAssets, missingNodeAssets } from "../../support/kubernetes-assets.ts";
import { namespacesMissing } from "../../support/process-networks.ts";

const PROGRAMS = ["containerd", "runc", "iptables", "nsenter", "sysctl", "openssl"];

/** What is missing for SingleNode, in a few words, or undefined. */
export function missingNode(): string | undefined {
  const programs = PROGRAMS.filter((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).error);
  if (!existsSync("/usr/lib/cni/bridge")) programs.push("/usr/lib/cni/bridge");
  const lacking = programs.length > 0 ? `${programs.join(", ")} not found: run "npm run setup:peers" as root on Debian` : undefined;
  return namespacesMissing() ?? lacking ?? missingAssets() ?? missingNodeAssets();
}
