import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { LoopbackAliasError, NetworkFormatError, NetworkInUseError } from "../../../src/local/errors.ts";
import { claimNetwork, LoopbackNetwork, parseNetwork, probePort } from "../../../src/local/loopback-network.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A machine where the given addresses are taken or missing; remembers which claims are held. */
class Machine {
  readonly claimed = new Set<string>();
  readonly probed: string[] = [];
  readonly #failures: Readonly<Record<string, string>>;

  constructor(failures: Readonly<Record<string, string>> = {}) {
    this.#failures = failures;
  }

  async claim(network: LoopbackNetwork) {
    this.#fail(`${network.balancerAddress}:dns`);
    this.claimed.add(network.cidr);
    return {
      start: async () => assert.fail("a claim comes started"),
      stop: async () => void this.claimed.delete(network.cidr),
    };
  }

  async probe(address: string, port: number) {
    this.probed.push(`${address}:${port}`);
    this.#fail(`${address}:${port}`);
  }

  #fail(where: string) {
    const code = this.#failures[where] ?? this.#failures["*"];
    if (code !== undefined) throw systemError(code);
  }
}

const PORTS = { workers: 2, workerPorts: [8080, 4000], balancerPorts: [9090] };

describe("parseNetwork", () => {
  it("reads 127.0.K.0/24", () => {
    const network = parseNetwork("127.0.17.0/24");
    assert.deepEqual(
      [network.cidr, network.balancerAddress, network.workerAddress(0), network.workerAddress(2)],
      ["127.0.17.0/24", "127.0.17.1", "127.0.17.2", "127.0.17.4"],
    );
  });

  for (const text of [
    "127.0.0.0/24",
    "127.0.255.0/24",
    "127.0.5.0/16",
    "127.0.5.1/24",
    "127.1.5.0/24",
    "10.0.5.0/24",
    "127.0.5",
    "",
    "127.0.1234.0/24",
  ]) {
    it(`refuses "${text}" and says what to write`, () => {
      assert.throws(
        () => parseNetwork(text),
        (error) => error instanceof NetworkFormatError && /write 127\.0\.K\.0\/24/.test(error.message),
      );
    });
  }
});

describe("claimNetwork", () => {
  it("takes the first network, after it has tried every address and port of it", async () => {
    const machine = new Machine();
    const { network } = await claimNetwork(machine, PORTS);
    assert.equal(network.cidr, "127.0.5.0/24");
    assert.deepEqual(machine.probed, ["127.0.5.1:9090", "127.0.5.2:8080", "127.0.5.2:4000", "127.0.5.3:8080", "127.0.5.3:4000"]);
    assert.deepEqual([...machine.claimed], ["127.0.5.0/24"]);
  });

  it("goes on to the next one when it is claimed or an address of it is taken, and keeps only one claim", async () => {
    const machine = new Machine({ "127.0.5.1:dns": "EADDRINUSE", "127.0.6.3:4000": "EADDRINUSE" });
    const { network, claim } = await claimNetwork(machine, PORTS);
    assert.equal(network.cidr, "127.0.7.0/24");
    assert.deepEqual([...machine.claimed], ["127.0.7.0/24"]);
    await claim.stop();
    assert.deepEqual([...machine.claimed], []);
  });

  it("names the address when the one network that was asked for is taken, and tries no other", async () => {
    const machine = new Machine({ "127.0.8.2:8080": "EADDRINUSE" });
    await assert.rejects(
      claimNetwork(machine, { ...PORTS, network: new LoopbackNetwork(8) }),
      (error) => error instanceof NetworkInUseError && error.message.includes("127.0.8.2:8080") && error.message.includes("--network"),
    );
    assert.deepEqual([...machine.claimed], []);
  });

  it("gives up when a program listens on the port of every address", async () => {
    const machine = new Machine({ "*": "EADDRINUSE" });
    await assert.rejects(claimNetwork(machine, PORTS), { code: "NETWORK_IN_USE" });
  });

  it("prints the alias command of each address where only 127.0.0.1 exists", async () => {
    const machine = new Machine({ "*": "EADDRNOTAVAIL" });
    await assert.rejects(claimNetwork(machine, PORTS), (error) => {
      assert.ok(error instanceof LoopbackAliasError);
      for (const address of ["127.0.5.1", "127.0.5.2", "127.0.5.3"])
        assert.ok(error.message.includes(`sudo ifconfig lo0 alias ${address} up`));
      return true;
    });
  });

  it("passes on what is no question of addresses, and lets go of the claim", async () => {
    const machine = new Machine({ "127.0.5.2:8080": "EACCES" });
    await assert.rejects(claimNetwork(machine, PORTS), { code: "EACCES" });
    assert.deepEqual([...machine.claimed], []);
  });
});

describe("probePort", () => {
  it("finds a port that is taken, and a free one for port 0", async () => {
    const port = await probePort("127.0.0.1", 0);
    assert.ok(port > 0);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    await assert.rejects(probePort("127.0.0.1", port), { code: "EADDRINUSE" });
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await probePort("127.0.0.1", port), port);
  });
});
