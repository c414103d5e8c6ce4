// Multicast over an interface of its own, which goes down and comes back (tribes.md 11.1).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { CLASS_NAMES } from "../../src/config/class-names.ts";
import { NamespaceNetwork, namespacesMissing } from "../support/process-networks.ts";
import { TestWorkers } from "../support/test-workers.ts";

const missing = namespacesMissing();

function serverXml(): string {
  const times = 'frequency="200" dropTime="1500" recoveryCounter="3" recoverySleepTime="500"';
  return `<Server port="-1">
  <Service name="Catalina">
    <Connector port="8080" address="\${POD_IP}"/>
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="\${POD_NAME}">
      <Cluster className="${CLASS_NAMES.simpleTcpCluster}" channelSendOptions="6">
        <Channel className="${CLASS_NAMES.groupChannel}" heartbeatSleeptime="1000">
          <Membership className="${CLASS_NAMES.mcastService}" bind="\${POD_IP}" ${times}/>
          <Receiver className="${CLASS_NAMES.nioReceiver}" address="\${POD_IP}" port="4000" autoBind="1"/>
        </Channel>
      </Cluster>
      <Host name="localhost" appBase="webapps"/>
    </Engine>
  </Service>
</Server>`;
}

describe("workers that find each other by multicast over a network", { skip: missing ?? false }, () => {
  it("lose each other while an interface is down, and find each other when it is back", async () => {
    const network = NamespaceNetwork.create(2);
    let workers: TestWorkers | undefined;
    try {
      const addresses = [0, 1].map((index) => network.memberAddress(index));
      workers = await TestWorkers.start({
        ...{ addresses, groupAddresses: [], groupName: "unused.test", dnsAddress: network.hostAddress, serverXml },
        launcher: (index) => network.commandPrefix(index),
      });
      await workers.membersSeen(1);
      const group = workers;
      const alive = (index: number) => async () => (await group.cluster(index)).members.filter(({ state }) => state === "Alive").length;
      setInterface(network, 1, "down");
      await group.eventually(alive(0), (count) => count === 0);
      await group.eventually(
        async () => group.output(1),
        (output) => output.includes("Multicast failed"),
      );
      setInterface(network, 1, "up");
      for (const index of [0, 1]) await group.eventually(alive(index), (count) => count === 1);
      assert.match(group.output(1), /Multicast works again/);
      assert.doesNotMatch(group.output(0), /Multicast failed/);
    } finally {
      await workers?.stop();
      await network.release();
    }
  });
});

function setInterface(network: NamespaceNetwork, worker: number, state: "up" | "down"): void {
  const [command, ...args] = [...network.commandPrefix(worker), "ip", "link", "set", "eth0", state];
  const { status, stderr } = spawnSync(command!, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}
