// Many short lives of a map, each drawn from a seed: what must hold whatever happened.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MapGroup, type MapNode, Words } from "../../../support/map-group.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";

const SEEDS = 5;
const KEYS = ["a", "b", "c", "d"];

async function life(kind: "lazy" | "replicated", seed: number) {
  const group = await MapGroup.of(4, { kind });
  const random = new SeededRandom(`${kind} ${seed}`);
  group.network.delay = () => random.between(1, 8);
  return { group, random };
}

/** A request: takes the entry over where it comes, or makes it, and adds a word. True: somebody else has the word. */
async function request(node: MapNode, key: string, word: string): Promise<boolean> {
  const value = await node.map.get(key);
  if (value === undefined) await node.map.put(key, new Words([word]));
  else await node.map.replicate(key, value.add(word));
  return !node.map.isAtRisk(key);
}

/** One member serves each entry, the others agree on who it is, and who has the value has the same. */
async function checkAgreement(group: MapGroup, removed: ReadonlySet<string> = new Set()): Promise<void> {
  for (const key of KEYS) {
    const entries = group.nodes.map((node) => node.map.peek(key));
    const told = `${key}: ${JSON.stringify(group.entries(key))}`;
    if (entries.every((entry) => entry === undefined)) continue;
    if (removed.has(key) && entries.every((entry) => entry === undefined || entry.kind === "Proxy")) {
      // The news of its removal was lost: it is found out by the first request.
      for (const node of group.nodes) assert.equal(await group.run(node.map.get(key)), undefined, told);
      continue;
    }
    const values = entries.map((entry) => entry?.value?.words).filter((words) => words !== undefined);
    assert.ok(values.length >= 2, told);
    for (const words of values) assert.deepEqual(words, values[0], told);
    const primaries = entries.filter((entry) => entry?.kind === "Primary");
    if (entries.some((entry) => entry?.kind === "Copy")) {
      // Of copies that are equal everywhere, who serves them is settled by their next use.
      assert.ok(primaries.length <= 1, told);
      continue;
    }
    assert.equal(primaries.length, 1, told);
    // A proxy that does not know both primary and backup knows one of them.
    for (const entry of entries) {
      assert.ok(entry !== undefined && (entry.primary ?? entry.nodes[0]) !== undefined, told);
      assert.ok(entry.primary === undefined || entry.primary.key === primaries[0]?.primary?.key, told);
      assert.deepEqual(entry.nodes.length === 0 ? primaries[0]?.nodes : entry.nodes, primaries[0]?.nodes, told);
    }
  }
  assert.deepEqual(
    group.nodes.map(({ map }) => map.entriesAtRisk),
    group.nodes.map(() => 0),
  );
}

for (const kind of ["lazy", "replicated"] as const) {
  describe(`A ${kind} map in ${SEEDS} random lives`, () => {
    it("keeps every word that somebody else had when members die one after the other, wherever requests come", async () => {
      for (let seed = 0; seed < SEEDS; seed++) {
        const { group, random } = await life(kind, seed);
        const kept = new Map<string, string[]>(KEYS.map((key) => [key, []]));
        let names = 4;
        for (let turn = 0; turn < 12; turn++) {
          await group.run(
            Promise.all(
              KEYS.map(async (key) => {
                const word = `${key}${turn}`;
                if (await request(random.pick(group.nodes), key, word)) kept.get(key)!.push(word);
              }),
            ),
          );
          if (random.chance(0.4) && group.nodes.length > 2) await group.kill(Number(random.pick(group.nodes).name));
          else if (random.chance(0.4) && group.nodes.length < 5) await group.join(++names);
          await group.clock.advance(100);
        }
        await group.clock.advance(12_000);
        for (const [key, words] of kept) {
          assert.ok(words.length > 8, `seed ${seed}: ${words.length} words of ${key} were kept`);
          const values = group.nodes.map((node) => node.map.peek(key)?.value?.words).filter((value) => value !== undefined);
          for (const value of values)
            for (const word of words) assert.ok(value.includes(word), `seed ${seed}: ${key} lacks ${word}: ${group.entries(key)}`);
          assert.ok(values.length >= 2, `seed ${seed}: ${group.entries(key)}`);
        }
        await checkAgreement(group);
      }
    });

    it("agrees again after requests for one entry at the same time, cuts, losses and joins", async () => {
      for (let seed = 0; seed < SEEDS; seed++) {
        const { group, random } = await life(kind, 1000 + seed);
        const removed = new Set<string>();
        let names = 4;
        for (let turn = 0; turn < 10; turn++) {
          const loses = random.chance(0.3);
          group.lose = () => loses && random.chance(0.1);
          const requests = Array.from({ length: 5 }, (_, index) => {
            const node = random.pick(group.nodes);
            const key = random.pick(KEYS);
            if (!random.chance(0.15)) return request(node, key, `${turn}/${index}`).catch(() => false);
            removed.add(key);
            return node.map.remove(key);
          });
          await group.run(Promise.all(requests));
          group.lose = () => false;
          if (random.chance(0.3)) {
            const names = random.shuffled(group.nodes.map(({ name }) => Number(name)));
            const cut = random.between(1, names.length - 1);
            await group.partition(names.slice(0, cut), names.slice(cut));
            await group.run(
              Promise.all(group.nodes.map((node, index) => request(node, random.pick(KEYS), `${turn}/cut${index}`).catch(() => false))),
            );
            await group.heal();
          } else if (random.chance(0.2) && group.nodes.length < 6) await group.join(++names);
        }
        await group.clock.advance(30_000);
        try {
          await checkAgreement(group, removed);
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
    });
  });
}
