import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLASS_NAMES } from "../../../src/config/class-names.ts";
import { parseServerXml, ServerXmlError } from "../../../src/config/index.ts";
import { DNS_MEMBERSHIP, stockServerXml } from "../../support/server-xml-texts.ts";

const MEMBER = `<Member className="${CLASS_NAMES.staticMember}" host="10.0.0.1" port="4000"/>`;
const DETECTOR = `<Interceptor className="${CLASS_NAMES.tcpFailureDetector}"/>`;
const interceptor = (inside: string) => `<Interceptor className="${CLASS_NAMES.staticMembershipInterceptor}">${inside}</Interceptor>`;

function parse(insideChannel: string, startOptions?: string) {
  const options = startOptions === undefined ? "" : `channelStartOptions="${startOptions}"`;
  const channel = `<Channel className="${CLASS_NAMES.groupChannel}">${insideChannel}</Channel>`;
  const text = stockServerXml(`<Cluster className="${CLASS_NAMES.simpleTcpCluster}" ${options}>${channel}</Cluster>`);
  const { config, notes } = parseServerXml(text, { file: "server.xml", environment: {}, readFile: () => "" });
  return { cluster: config.service.engine.cluster!, notes };
}

function problemsOf(insideChannel: string, startOptions?: string): readonly string[] {
  try {
    parse(insideChannel, startOptions);
  } catch (error) {
    if (!(error instanceof ServerXmlError)) throw error;
    return error.problems.map(({ message }) => message);
  }
  return [];
}

describe("StaticMembershipInterceptor in server.xml", () => {
  it("is enough for a cluster whose channelStartOptions start no membership service", () => {
    const { cluster } = parse(DETECTOR + interceptor(`${MEMBER}<LocalMember host="10.0.0.2" port="4000"/>`), "3");
    assert.equal(cluster.channelStartOptions, 3);
    assert.deepEqual(cluster.channel.membership, { type: "None" });
    assert.partialDeepStrictEqual(cluster.channel.interceptors[1], {
      attributes: { optionFlag: 0 },
      staticMembers: { members: [{ host: "10.0.0.1", port: 4000 }], localMember: { host: "10.0.0.2" } },
    });
  });

  it("stands beside a membership service where that is started", () => {
    const { cluster } = parse(DNS_MEMBERSHIP + DETECTOR + interceptor(MEMBER));
    assert.deepEqual([cluster.channelStartOptions, cluster.channel.membership.type], [15, "DNS"]);
    assert.equal(cluster.channel.interceptors[0]?.staticMembers, undefined);
  });

  it("a membership service that is not started is told of", () => {
    const { cluster, notes } = parse(DNS_MEMBERSHIP + DETECTOR + interceptor(MEMBER), "3");
    assert.equal(cluster.channel.membership.type, "None");
    assert.ok(
      notes.some(
        ({ level, message }) =>
          level === "warn" && message === '<Membership>: it is not started: channelStartOptions of the Cluster is "3"',
      ),
    );
  });

  it("is refused without members, and without whoever asks them whether they run", () => {
    assert.match(problemsOf(DETECTOR + interceptor(""), "3").join(), /^<Interceptor>: it has no <Member>/);
    assert.deepEqual(problemsOf(interceptor(MEMBER), "3"), [
      "<Interceptor>: it needs a TcpFailureDetector above it, which asks its members whether they run",
    ]);
  });

  it("a worker that would have no members at all is refused by name", () => {
    for (const inside of ["", DNS_MEMBERSHIP, DETECTOR]) {
      assert.deepEqual(problemsOf(inside, "3"), [
        '<Cluster channelStartOptions>: "3" starts no membership service, and no StaticMembershipInterceptor lists members: there would be none',
      ]);
    }
    assert.match(problemsOf("", "7").join(), /<Cluster channelStartOptions>: found "7", known: 15, 3/);
  });
});
