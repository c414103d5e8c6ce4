import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "../../../../src/base/index.ts";
import type { Member } from "../../../../src/channel/channel.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { DomainFilterInterceptor } from "../../../../src/channel/interceptors/domain-filter-interceptor.ts";
import { byteString } from "../../../../src/channel/wire/byte-string.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";

function memberOf(domain: string, lastByte: number): Member {
  return createMember({ ...testMember(lastByte), domain: Buffer.from(domain) });
}

const [EAST, OTHER_EAST, WEST, NOWHERE] = [memberOf("east", 2), memberOf("east", 3), memberOf("west", 4), memberOf("", 5)];

function stack(domain: string, logInterval = 100) {
  const registry = new Registry();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const log = new MemoryLog();
  const filter = new DomainFilterInterceptor(
    { logger: log.logger, metrics: new ChannelMetrics(registry) },
    { domain: byteString(domain), logInterval },
  );
  filter.link(above, below);
  for (const member of [EAST, OTHER_EAST, WEST, NOWHERE]) filter.memberAdded(member);
  const refused = async () => (await registry.getSingleMetric("tomcatcluster_channel_refused_messages_total")!.get()).values[0]?.value ?? 0;
  return { above, below, filter, log, refused };
}

describe("DomainFilterInterceptor", () => {
  it("takes the members of its domain, and says of the others that it does not", () => {
    const { above, filter, log } = stack("east");
    assert.deepEqual(filter.members, [EAST, OTHER_EAST]);
    assert.deepEqual(above.events, ["added 127.0.9.2", "added 127.0.9.3"]);
    assert.deepEqual(
      log.lines.map(({ level, member, domain }) => [level, member, domain]),
      [
        ["info", WEST.name, "west"],
        ["info", NOWHERE.name, ""],
      ],
    );
    assert.deepEqual(stack("").filter.members, [NOWHERE]);
  });

  it("tells of those that go only when it had taken them", () => {
    const { above, filter } = stack("east");
    filter.memberDisappeared(WEST);
    // As a member that says good-bye may announce itself.
    filter.memberDisappeared(testMember(2));
    assert.deepEqual([above.events.slice(2), filter.members], [["disappeared 127.0.9.2"], [OTHER_EAST]]);
  });

  it("refuses messages of other domains (rule 12), and logs one line for logInterval of them", async () => {
    const { above, filter, log, refused } = stack("east", 3);
    const before = log.lines.length;
    const fromEast = testMessage({ address: EAST });
    await filter.messageReceived(fromEast);
    for (let count = 1; count <= 7; count++) {
      assert.throws(() => filter.messageReceived(testMessage({ address: WEST })), {
        code: "OTHER_DOMAIN",
        message: `"${WEST.name}" is of another domain: its message is not taken`,
      });
    }
    assert.deepEqual([above.messages, await refused()], [[fromEast], 7]);
    assert.deepEqual(
      log.lines.slice(before).map(({ level, messages }) => [level, messages]),
      [
        ["warn", 3],
        ["warn", 3],
      ],
    );
  });

  it("shows the suspects of its domain only, and filters nothing that is sent", async () => {
    const { below, filter } = stack("east");
    Object.assign(below, { suspects: [EAST, WEST] });
    assert.deepEqual(filter.suspects, [EAST]);
    await filter.sendMessage([WEST], testMessage());
    assert.deepEqual(below.sent[0]!.destinations, [WEST]);
  });

  it("reads a domain as Tomcat does: bytes in braces, or a byte for each character", () => {
    assert.deepEqual(byteString("{1,-2,127,-128}"), Buffer.from([1, 254, 127, 128]));
    assert.deepEqual(byteString("{}"), Buffer.alloc(0));
    assert.deepEqual(byteString("zone-ä"), Buffer.from([...Buffer.from("zone-"), 0xe4]));
    assert.deepEqual(byteString(""), Buffer.alloc(0));
  });
});
