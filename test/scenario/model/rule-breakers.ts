// Switches single rules off, to show that the checker sees it: in the model, or by replacing methods of the product's classes for a run.
//
// Rules that a group without sockets and clients cannot show: 1, 2 (dns-membership-service.test.ts, tcp-failure-detector.test.ts),
// 7 (held-response.test.ts), 13 (delta-manager.test.ts, abandoned-requests.test.ts), 15 (to-java.test.ts and a real Tomcat in
// test/peers), 20 to 22 (tcp-receiver.test.ts, encrypt-interceptor.test.ts, delta-manager.test.ts).
// Rule 3 shows only together with others: frozen members that count as alive are still not waited for (rule 8) and are caught up
// (rule 11); tcp-failure-detector.test.ts shows it. Rules 10 and 12 mend each other with 11, since versions tell what was overtaken,
// repeated or refused: tcp-sender.test.ts, outcome-memory.test.ts and delta-manager.test.ts show them.
import { Hello } from "../../../src/channel/hello.ts";
import { stemOf } from "../../../src/protocol/index.ts";
import { CatchUp } from "../../../src/replication/peers/catch-up.ts";
import { Replicator } from "../../../src/replication/peers/replicator.ts";
import { DeltaManager } from "../../../src/replication/session/delta-manager.ts";
import { ReplicatedAttribute } from "../../../src/replication/session/replicated-attribute.ts";
import type { Family } from "./families.ts";
import type { RuleSwitches } from "./rule-switches.ts";

export interface RuleBreaker {
  readonly rule: number;
  /** What is missing. */
  readonly without: string;
  readonly family: Family;
  /** Within how many seeds, from the first one on, the checker finds it. */
  readonly seeds: number;
  /** What its complaint says. */
  readonly finds: RegExp;
  readonly off?: RuleSwitches;
  /** Replaces something of the product; returns what puts it back. */
  readonly replace?: () => () => void;
}

/** Replaces one method of a class; returns what puts it back. */
function replaceMethod<T extends object, K extends keyof T>(target: T, name: K, method: T[K]): () => void {
  const before = target[name];
  target[name] = method;
  return () => {
    target[name] = before;
  };
}

const LOST = /lost the answered updates|ready and empty while others have state/;

export const RULE_BREAKERS: readonly RuleBreaker[] = [
  {
    rule: 4,
    without: "a joiner asks for state before the members know it",
    family: "transfers",
    seeds: 100,
    finds: /lost the answered updates|copies differ/,
    replace: () => replaceMethod(Hello.prototype, "everyMemberAnswered", async () => undefined),
  },
  {
    rule: 5,
    without: "a member starts empty whoever else is there",
    family: "kills",
    seeds: 10,
    finds: LOST,
    off: { firstOne: true },
  },
  {
    rule: 6,
    without: "a joiner is ready with the first block of the state",
    family: "transfers",
    seeds: 50,
    finds: LOST,
    off: { wholeState: true },
  },
  {
    rule: 6,
    without: "a state ends before its member has what was answered meanwhile",
    family: "kills",
    seeds: 40,
    finds: LOST,
    replace: () => replaceMethod(Replicator.prototype, "settled", async () => undefined),
  },
  {
    rule: 8,
    without: "answers leave before the acknowledgements",
    family: "kills",
    seeds: 200,
    finds: LOST,
    off: { acknowledgedAnswers: true },
  },
  {
    rule: 9,
    without: "answers leave before the frames are written",
    family: "asynchronous",
    seeds: 300,
    finds: LOST,
    off: { writtenAnswers: true, acknowledgedAnswers: true },
  },
  {
    rule: 11,
    without: "nobody is caught up",
    family: "freezes",
    seeds: 20,
    finds: /was not the case within|lost the answered|copies differ/,
    replace: () => replaceMethod(CatchUp.prototype, "wake", async () => undefined),
  },
  {
    rule: 14,
    without: "changes in place are not noticed",
    family: "kills",
    seeds: 5,
    finds: /lost the answered|half an update|copies differ/,
    replace: () => replaceMethod(ReplicatedAttribute.prototype, "refresh", () => false),
  },
  {
    rule: 16,
    without: "an old id is forgotten at once",
    family: "kills",
    seeds: 50,
    finds: LOST,
    replace: () =>
      replaceMethod(DeltaManager.prototype, "findSession", function (this: DeltaManager, id) {
        return this.sessionWithStem(stemOf(id));
      }),
  },
  { rule: 17, without: "each request goes to any worker", family: "kills", seeds: 300, finds: /./, off: { oneTarget: true } },
  { rule: 18, without: "connectors close at SIGTERM", family: "rolls", seeds: 50, finds: /./, off: { drain: true } },
  {
    rule: 19,
    without: "requests that change something are repeated",
    family: "kills",
    seeds: 300,
    finds: /applied twice/,
    off: { carefulRepeats: true },
  },
];
