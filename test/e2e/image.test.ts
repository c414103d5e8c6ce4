// The image without Kubernetes: its root file system, read-only, with the command as process 1 of its user, as in a pod.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { packageVersion } from "../../src/cli/package-version.ts";
import { endsWithUs } from "../support/ends-with-us.ts";
import { loopbackNetwork, type ProcessNetwork } from "../support/process-networks.ts";
import { IMAGE_CONFIG, makeImageRoot } from "./support/image-root.ts";

const CRD = join(import.meta.dirname, "../../crds/tribes.dev_tomcatclusters.yaml");
const BASE = "usr/local/tomcat";
const APPLICATION = `export default (req, res) => res.end(req.getSession(true).id + " " + process.getuid());`;

const serverXml = (address: string) => `<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1">
  <Service name="Catalina" drainQuietMillis="100" gracefulStopAwaitMillis="1000">
    <Connector port="8080" protocol="HTTP/1.1" address="${address}" />
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="shop-0">
      <Host name="localhost" appBase="webapps" autoDeploy="true" />
    </Engine>
  </Service>
</Server>
`;

/** `$1`: what lies over the image, `$2`: the image, `$3`: where to mount both, `$4`: the user, `$5`: NAME=value; then the command. */
const IN_IMAGE = `set -eu
mount -t overlay -o "lowerdir=$1:$2" overlay "$3"
for folder in tmp ${BASE}/temp ${BASE}/work; do mount -t tmpfs -o mode=1777 tmpfs "$3/$folder"; done
mount -t proc proc "$3/proc"
mount --rbind /dev "$3/dev"
root=$3 user=$4 environment=$5
shift 5
exec chroot --userspec="$user" "$root" env -i "$environment" "$@"`;

describe("the image", () => {
  const folder = mkdtempSync(join(tmpdir(), "image-test-"));
  const [over, root, mounted] = ["over", "root", "mounted"].map((name) => join(folder, name)) as [string, string, string];
  let network: ProcessNetwork;
  before(async () => {
    network = await loopbackNetwork(1);
    await makeImageRoot(root);
    mkdirSync(mounted);
    mkdirSync(join(over, BASE, "conf"), { recursive: true });
    mkdirSync(join(over, BASE, "webapps/who"), { recursive: true });
    writeFileSync(join(over, BASE, "conf/server.xml"), serverXml(network.memberAddress(0)));
    writeFileSync(join(over, BASE, "webapps/who/package.json"), `{ "type": "module", "main": "index.js" }`);
    writeFileSync(join(over, BASE, "webapps/who/index.js"), APPLICATION);
  });
  after(async () => {
    await network?.release();
    rmSync(folder, { recursive: true, force: true });
  });

  const inImage = (command: readonly string[]) => {
    const namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
    const { User, Env = [] } = IMAGE_CONFIG;
    return [...endsWithUs(), ...namespaces, "sh", "-c", IN_IMAGE, "sh", over, root, mounted, User!, ...Env, ...command];
  };
  const output = (...command: string[]) => execFileSync("setpriv", inImage(command), { encoding: "utf8", stdio: "pipe" });

  it("runs the command by its name, and has the CRD of this project", () => {
    assert.equal(output("tomcat-cluster", "--version"), `${packageVersion()}\n`);
    assert.equal(output("tomcat-cluster", "crd"), readFileSync(CRD, "utf8"));
  });

  it("runs as a user who is not root and cannot write to the file system", () => {
    assert.equal(output("id", "-u").trim(), "65532");
    assert.throws(() => output("sh", "-c", `echo > /${BASE}/conf/server.xml`), /Read-only file system/);
  });

  it("has cp and tar, which fill the folders of applications", () => {
    const script = `mkdir /tmp/a /tmp/b && cp -R /${BASE}/webapps/who/. /tmp/a && cd /tmp/a && tar --create . | tar --extract --no-same-owner --directory /tmp/b && ls /tmp/b`;
    assert.equal(output("sh", "-c", script), "index.js\npackage.json\n");
  });

  it("has no file that changes who runs it, and none that its user may write, but for the folders of temporary files", () => {
    const found = execFileSync("find", [root, "(", "-perm", "/6000", "-o", "-perm", "-2", "!", "-type", "l", ")"], { encoding: "utf8" });
    const expected = ["tmp", `${BASE}/temp`, `${BASE}/work`].map((name) => join(root, name));
    assert.deepEqual(found.trim().split("\n").sort(), expected.sort());
  });

  it("is a worker that serves, and ends in good order when it is told to", async () => {
    const address = network.memberAddress(0);
    const command = ["tomcat-cluster", "worker", "--base", `/${BASE}`, "--management-address", address];
    const child: ChildProcess = spawn("setpriv", inImage(command), { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    let log = "";
    while (!log.includes('"Worker started"')) {
      const [chunk] = (await Promise.race([once(child.stdout!, "data"), ended.then(() => assert.fail(`it has ended: ${log}`))])) as [
        Buffer,
      ];
      log += chunk;
    }
    child.stdout!.resume();
    const answer = await fetch(`http://${address}:8080/who`);
    assert.match(await answer.text(), /^\w+\.shop-0 65532$/);
    // unshare keeps signals to itself.
    process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")), "SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  });
});
