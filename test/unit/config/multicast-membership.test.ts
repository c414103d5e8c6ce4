import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLASS_NAMES } from "../../../src/config/class-names.ts";
import { parseServerXml, ServerXmlError } from "../../../src/config/index.ts";
import { defaultAttributes } from "../../../src/config/registry/registry.ts";
import { stockServerXml } from "../../support/server-xml-texts.ts";

const DEFAULTS = {
  type: "Multicast",
  address: "228.0.0.4",
  port: 45_564,
  frequencyMs: 500,
  dropTimeMs: 3000,
  soTimeoutMs: 500,
  localLoopbackDisabled: false,
  recoveryEnabled: true,
  recoveryCounter: 10,
  recoverySleepMs: 5000,
  domain: "",
  payload: "",
};

function parse(channel: string) {
  const text = stockServerXml(`<Cluster className="${CLASS_NAMES.simpleTcpCluster}">${channel}</Cluster>`);
  const { config, notes } = parseServerXml(text, { file: "server.xml", environment: {}, readFile: () => "" });
  return { membership: config.service.engine.cluster!.channel.membership, notes };
}

function withMembership(attributes: string, inside = ""): string {
  return `<Channel className="${CLASS_NAMES.groupChannel}"><Membership className="${CLASS_NAMES.mcastService}" ${attributes}>${inside}</Membership></Channel>`;
}

function problemsOf(attributes: string, inside = ""): readonly string[] {
  try {
    parse(withMembership(attributes, inside));
  } catch (error) {
    if (!(error instanceof ServerXmlError)) throw error;
    return error.problems.map(({ message }) => message);
  }
  return [];
}

describe("McastService in server.xml", () => {
  it("has Tomcat's attributes and defaults", () => {
    assert.deepEqual(parse(withMembership("")).membership, DEFAULTS);
    assert.partialDeepStrictEqual(defaultAttributes("Membership", CLASS_NAMES.mcastService), { recoverySleepTime: 5000, dropTime: 3000 });
    const { membership } = parse(
      withMembership(
        'address="ff15::1" port="1" bind="10.0.0.1" ttl="2" soTimeout="70" frequency="100" dropTime="400" domain="{1,2}" payload="zone a" recoveryCounter="3" recoverySleepTime="900" recoveryEnabled="false" localLoopbackDisabled="true"',
      ),
    );
    assert.deepEqual(membership, {
      ...{ type: "Multicast", address: "ff15::1", port: 1, bind: "10.0.0.1", ttl: 2, soTimeoutMs: 70, frequencyMs: 100, dropTimeMs: 400 },
      ...{
        domain: "{1,2}",
        payload: "zone a",
        recoveryCounter: 3,
        recoverySleepMs: 900,
        recoveryEnabled: false,
        localLoopbackDisabled: true,
      },
    });
  });

  it("is what a Cluster without a Membership has, as in Tomcat, with a word about it", () => {
    for (const channel of ["", `<Channel className="${CLASS_NAMES.groupChannel}"/>`]) {
      const { membership, notes } = parse(channel);
      assert.deepEqual(membership, DEFAULTS);
      assert.ok(notes.some(({ level, message }) => level === "warn" && message.includes("announce themselves by multicast")));
    }
  });

  it("looks for silent members as often as it announces itself", () => {
    assert.partialDeepStrictEqual(parse(withMembership('frequency="200"')).membership, { frequencyMs: 200, soTimeoutMs: 200 });
  });

  it("is refused with a group that is none, and with times by which every member would go", () => {
    for (const address of ["10.0.0.1", "224.0.0", "fe80::1", "mcast.example.org", ""]) {
      assert.match(problemsOf(`address="${address}"`).join(), /<Membership address>: found ".*", must be a multicast address/);
    }
    for (const bind of ["eth0", "10.0.0.256"])
      assert.match(problemsOf(`bind="${bind}"`).join(), /bind>: found ".*", must be an IP address/);
    assert.deepEqual(problemsOf('frequency="3000"'), [
      "<Membership dropTime>: 3000 is not longer than frequency, 3000: every member would go between two announcements",
    ]);
  });

  it("says what the names of older Tomcats are today", () => {
    for (const [old, today] of [
      ["mcastAddr", "address"],
      ["mcastBindAddress", "bind"],
      ["mcastDropTime", "dropTime"],
      ["mcastFrequency", "frequency"],
      ["mcastPort", "port"],
      ["mcastSoTimeout", "soTimeout"],
      ["mcastTTL", "ttl"],
    ]) {
      assert.match(
        problemsOf(`${old}="1"`).join(),
        new RegExp(`<Membership ${old}>: "1" is not supported in this version: write ${today}$`),
      );
    }
  });

  it("takes no members from the file", () => {
    assert.match(problemsOf("", '<Member host="10.0.0.1" port="4000"/>').join(), /a McastService takes no members/);
  });
});
