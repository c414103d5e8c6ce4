import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseCopy, type OfferedCopy, type OwnCopy } from "../../../../src/replication/session/copy-choice.ts";

const OWN: OwnCopy = { version: 5, primary: false, inUse: false, lastUsedMs: 1000 };

type Offer = Omit<OfferedCopy, "fromItsServer" | "compareContent"> & Partial<OfferedCopy>;

const ROWS: readonly (readonly [string, Partial<OwnCopy>, Offer, "Take" | "Keep"])[] = [
  ["a higher version replaces a copy", {}, { version: 6, thisAccessedTime: 500 }, "Take"],
  ["a lower version replaces nothing", {}, { version: 4, thisAccessedTime: 2000 }, "Keep"],
  ["the same of the same version from a third member changes nothing", {}, { version: 5, thisAccessedTime: 2000 }, "Keep"],
  ["from its server it tells that it was used", {}, { version: 5, thisAccessedTime: 1000, fromItsServer: true }, "Take"],
  ["unless that is known", {}, { version: 5, thisAccessedTime: 999, fromItsServer: true }, "Keep"],
  [
    "other content of the same version, used later, replaces a copy",
    {},
    { version: 5, thisAccessedTime: 1001, compareContent: () => -1 },
    "Take",
  ],
  ["used earlier, it does not", {}, { version: 5, thisAccessedTime: 999, compareContent: () => 1 }, "Keep"],
  ["used at the same time, all prefer the same", {}, { version: 5, thisAccessedTime: 1000, compareContent: () => -1 }, "Keep"],
  ["no equal version disturbs a request", { inUse: true }, { version: 5, thisAccessedTime: 2000, compareContent: () => 1 }, "Keep"],
  ["a higher version does", { inUse: true }, { version: 6, thisAccessedTime: 2000 }, "Take"],
  ["a primary gives way to a higher version that was used later", { primary: true }, { version: 6, thisAccessedTime: 2000 }, "Take"],
  ["and to one that was used earlier: it may have been away meanwhile", { primary: true }, { version: 6, thisAccessedTime: 500 }, "Take"],
  ["a primary gets its own back from another member", { primary: true }, { version: 5, thisAccessedTime: 2000 }, "Keep"],
  [
    "a primary that was used later keeps its own against the same version",
    { primary: true },
    { version: 5, thisAccessedTime: 500, compareContent: () => 1 },
    "Keep",
  ],
  ["and against a lower one", { primary: true }, { version: 4, thisAccessedTime: 500 }, "Keep"],
  [
    "a primary that was used earlier, with the higher version, keeps its own",
    { primary: true },
    { version: 4, thisAccessedTime: 2000 },
    "Keep",
  ],
  ["a Tomcat's copy replaces ours", {}, { version: 0, thisAccessedTime: 1 }, "Take"],
  ["but not that of a primary that was used later", { primary: true }, { version: 0, thisAccessedTime: 500 }, "Keep"],
  [
    "a lower version is late, also from the member that served it last",
    {},
    { version: 2, thisAccessedTime: 1, fromItsServer: true },
    "Keep",
  ],
];

describe("the choice between two copies of a session (rule 11)", () => {
  for (const [what, own, offered, choice] of ROWS)
    it(what, () => assert.equal(chooseCopy({ ...OWN, ...own }, { fromItsServer: false, compareContent: () => 0, ...offered }), choice));
});
