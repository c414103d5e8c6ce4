import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLASS_NAMES } from "../../../src/config/class-names.ts";
import { parseServerXml, ServerXmlError } from "../../../src/config/index.ts";
import { defaultAttributes } from "../../../src/config/registry/registry.ts";
import { stockServerXml } from "../../support/server-xml-texts.ts";

const ZEROS = `{${new Array<number>(16).fill(0).join(",")}}`;
const MEMBER = `<Member className="${CLASS_NAMES.staticMember}" host="10.0.0.1" port="4000" domain="east" uniqueId="{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,-16}"/>`;

function parse(inside: string, { attributes = "", clusterName = "" } = {}) {
  const membership = `<Membership className="${CLASS_NAMES.staticMembershipService}" ${attributes}>${inside}</Membership>`;
  const channel = `<Channel className="${CLASS_NAMES.groupChannel}">${membership}</Channel>`;
  const text = stockServerXml(`<Cluster className="${CLASS_NAMES.simpleTcpCluster}" ${clusterName}>${channel}</Cluster>`);
  const { config } = parseServerXml(text, { file: "server.xml", environment: {}, readFile: () => "" });
  return config.service.engine.cluster!.channel.membership;
}

function problemsOf(inside: string): readonly string[] {
  try {
    parse(inside);
  } catch (error) {
    if (!(error instanceof ServerXmlError)) throw error;
    return error.problems.map(({ message }) => message);
  }
  return [];
}

describe("StaticMembershipService in server.xml", () => {
  it("has Tomcat's attributes and defaults", () => {
    assert.deepEqual(defaultAttributes("Membership", CLASS_NAMES.staticMembershipService), {
      expirationTime: 5000,
      connectTimeout: 500,
      rpcTimeout: 3000,
      useThread: false,
      pingInterval: 1000,
    });
    const expected = { securePort: -1, udpPort: -1, domain: "", uniqueId: ZEROS };
    for (const element of ["Member", "LocalMember"]) assert.deepEqual(defaultAttributes(element, CLASS_NAMES.staticMember), expected);
  });

  it("lists its members, and is called after the cluster, or after the Engine", () => {
    const membership = parse(`${MEMBER}<Member host="{10,0,0,-2}" port="4001"/><LocalMember host="2001:db8::1" port="4000"/>`);
    assert.partialDeepStrictEqual(membership, {
      type: "Static",
      membershipName: "Catalina-Channel-StaticMembership",
      members: [
        { host: "10.0.0.1", port: 4000, domain: "east", uniqueId: "{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,-16}" },
        { host: "{10,0,0,-2}", port: 4001, domain: "", uniqueId: ZEROS },
      ],
      localMember: { host: "2001:db8::1" },
      expirationMs: 5000,
      connectTimeoutMs: 500,
      rpcTimeoutMs: 3000,
    });
    assert.ok(!("pingIntervalMs" in membership));
    const named = parse(MEMBER, { attributes: 'useThread="true" pingInterval="700"', clusterName: 'clusterName="shop"' });
    assert.partialDeepStrictEqual(named, { membershipName: "shop-Channel-StaticMembership", pingIntervalMs: 700 });
  });

  it("is refused without members, with one twice, and with what is no address or no id", () => {
    assert.match(problemsOf("").join("\n"), /^<Membership>: it has no <Member>: list every member of the group/);
    assert.match(problemsOf(MEMBER + MEMBER).join("\n"), /^<Member>: 10\.0\.0\.1 port 4000 is a member already, in line \d+$/);
    for (const host of ["tomcat1.example.org", "10.0.0.256", "{10,0,0}", "{10,0,0,200}", ""]) {
      assert.match(problemsOf(`<Member host="${host}" port="4000"/>`).join("\n"), /<Member host>: found ".*", must be an IP address/);
    }
    for (const uniqueId of ["{1,2}", "shop", `{${new Array<number>(16).fill(128).join(",")}}`]) {
      assert.match(
        problemsOf(`<Member host="::1" port="1" uniqueId="${uniqueId}"/>`).join("\n"),
        /uniqueId>: found ".*", must be 16 bytes as/,
      );
    }
    const missing = problemsOf("<Member/>").map((problem) => problem.split(":")[1]);
    assert.deepEqual(missing, [' attribute "host" is missing', ' attribute "port" is missing']);
  });

  it("is the only Membership that lists members", () => {
    const cloud = `<Membership className="${CLASS_NAMES.cloudMembershipService}" membershipProviderClassName="dns" dnsName="x">${MEMBER}</Membership>`;
    const cluster = `<Cluster className="${CLASS_NAMES.simpleTcpCluster}"><Channel className="${CLASS_NAMES.groupChannel}">${cloud}</Channel></Cluster>`;
    assert.throws(
      () => parseServerXml(stockServerXml(cluster), { file: "server.xml", environment: {}, readFile: () => "" }),
      /<Member>: a CloudMembershipService takes no members: list them in a StaticMembershipService or a StaticMembershipInterceptor/,
    );
  });
});
