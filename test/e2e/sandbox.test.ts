// What a node makes on this machine goes with the process that made it, however that ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { eventually } from "../support/session-requests.ts";

const CONTROL_GROUPS = "/sys/fs/cgroup";

/** With a process in a control group below its own and with a mount, as a node has many. */
const ABANDONED = `
import { Sandbox } from ${JSON.stringify(join(import.meta.dirname, "support/sandbox.ts"))};
const sandbox = await Sandbox.create();
await sandbox.run("sh", "-c", \`
  mount -t tmpfs tmpfs /var/lib
  sleep 1000 >/dev/null 2>&1 &
  for group in /sys/fs/cgroup/*/\${sandbox.name}; do mkdir $group/pods; echo $! > $group/pods/cgroup.procs || true; done\`);
console.log(JSON.stringify({ name: sandbox.name, folder: sandbox.folder }));
`;

interface Made {
  readonly name: string;
  readonly folder: string;
}

/** Its control group is at the root of each hierarchy, or of the only one. */
function leftOf({ name, folder }: Made): string[] {
  const hierarchies = ["", ...readdirSync(CONTROL_GROUPS)];
  return [
    ...[folder, ...hierarchies.map((hierarchy) => join(CONTROL_GROUPS, hierarchy, name))].filter((path) => existsSync(path)),
    ...Object.keys(networkInterfaces()).filter((link) => link === name),
  ];
}

for (const signal of ["SIGKILL", "SIGINT"] as const) {
  it(`leaves nothing behind when its process ends by ${signal}`, async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", ABANDONED], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(child.stdout, "data");
    const made = JSON.parse(String(line)) as Made;
    assert.ok(leftOf(made).length > 2);
    child.kill(signal);
    await eventually(
      () => leftOf(made),
      (left) => left.length === 0,
    );
  });
}
