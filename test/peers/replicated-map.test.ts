// Replicated maps shared by Tribes of a real Apache Tomcat 10.1 and ours (tribes.md 14): whoever begins, whoever is killed.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type MapKindName, type SharedMap, SharedMaps } from "../support/shared-maps.ts";

const [OURS, JAVA] = [false, true];
const KEYS = Array.from({ length: 6 }, (_, index) => `key${index}`);

/** Members of which each is one of Java's or not, started in this order. */
async function together(
  kind: MapKindName,
  isJava: readonly boolean[],
  act: (maps: SharedMaps, members: readonly SharedMap[]) => Promise<void>,
): Promise<void> {
  const names = isJava.map((_, index) => index + 2);
  const maps = new SharedMaps("127.0.86.", names, kind);
  try {
    for (const [index, java] of isJava.entries()) await maps.start(names[index]!, java);
    await act(maps, [...maps.members]);
  } finally {
    await maps.stop();
  }
}

function named(isJava: readonly boolean[]): string {
  return isJava.map((java) => (java ? "Tomcat" : "ours")).join(", ");
}

const THREE = [
  [OURS, JAVA, OURS],
  [JAVA, OURS, JAVA],
] as const;

for (const kind of ["lazy", "replicated"] as const) {
  describe(`a ${kind} map that a real Tomcat shares with ours`, () => {
    for (const isJava of THREE) {
      it(`has what anybody puts, takes over, changes and removes: ${named(isJava)}`, () =>
        together(kind, isJava, async (maps, members) => {
          for (const [index, owner] of members.entries()) {
            const key = `of${owner.name}`;
            let words = "one";
            await owner.put(key, words);
            await maps.agreed(key, words, owner);
            await owner.add(key, "more");
            words += " more";
            await maps.agreed(key, words, owner);
            for (const other of [...members.slice(index + 1), ...members.slice(0, index)]) {
              assert.equal(await other.get(key), words);
              await maps.agreed(key, words, other);
              await other.add(key, `by${other.name}`);
              words += ` by${other.name}`;
              await maps.agreed(key, words, other);
            }
            await owner.put(key, `${words} again`);
            await maps.agreed(key, `${words} again`, owner);
            await members[(index + 1) % members.length]!.remove(key);
            await maps.gone(key);
          }
        }));
    }

    for (const [first, second] of [
      [OURS, JAVA],
      [JAVA, OURS],
    ] as const) {
      it(`gives its entries to who comes next, ${named([second])}, and its backups: ${named([first, second, first, second])}`, async () => {
        const maps = new SharedMaps("127.0.86.", [2, 3, 4, 5], kind);
        try {
          const alone = await maps.start(2, first);
          for (const key of KEYS) await alone.put(key, "one");
          const serving = new Map(KEYS.map((key) => [key, alone]));
          for (const [index, isJava] of [second, first, second].entries()) {
            const newcomer = await maps.start(index + 3, isJava);
            for (const [key, member] of serving) await maps.agreed(key, "one", member);
            assert.equal(await newcomer.get(KEYS[index]!), "one");
            serving.set(KEYS[index]!, newcomer);
            await maps.agreed(KEYS[index]!, "one", newcomer);
          }
        } finally {
          await maps.stop();
        }
      });
    }

    for (const isJava of THREE) {
      for (const victim of [0, 1]) {
        for (const how of ["is killed", "stops"] as const) {
          it(`keeps everything when a member ${how}: ${named([isJava[victim]!])} of ${named(isJava)}`, () =>
            together(kind, isJava, async (maps, members) => {
              for (const [index, key] of KEYS.entries()) {
                const owner = members[index % members.length]!;
                await owner.put(key, "one");
                await owner.add(key, "two");
                await maps.agreed(key, "one two", owner);
              }
              if (how === "is killed") await maps.kill(members[victim]!);
              else await maps.leave(members[victim]!);
              for (const key of KEYS) await maps.agreed(key, "one two");
              for (const [index, key] of KEYS.entries()) {
                const user = maps.members[index % maps.members.length]!;
                await user.add(key, "three");
                await maps.agreed(key, "one two three", user);
              }
            }));
        }
      }
    }
  });
}
