import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, TalliedCounter } from "../../../src/base/index.ts";

function counter() {
  const registry = new Registry();
  const messages = new TalliedCounter({ name: "messages_total", help: "Messages", labelNames: ["member"], registers: [registry] });
  const shown = async () => (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return { messages, shown };
}

describe("TalliedCounter", () => {
  it("shows what its tallies have counted, those of the same labels together", async () => {
    const { messages, shown } = counter();
    const [one, same, other] = ["a", "a", "b"].map((member) => messages.tally({ member }));
    one!.count += 2;
    same!.count++;
    assert.deepEqual(await shown(), ['messages_total{member="a"} 3', 'messages_total{member="b"} 0']);
    other!.count += 5;
    one!.count++;
    assert.deepEqual(await shown(), ['messages_total{member="a"} 4', 'messages_total{member="b"} 5']);
  });

  it("shows nothing of labels that are forgotten, whatever their tallies count on, until there is a new one", async () => {
    const { messages, shown } = counter();
    const old = messages.tally({ member: "a" });
    old.count = 7;
    await shown();
    messages.forget({ member: "a" });
    old.count++;
    assert.deepEqual(await shown(), []);
    messages.tally({ member: "a" }).count++;
    assert.deepEqual(await shown(), ['messages_total{member="a"} 1']);
  });
});
