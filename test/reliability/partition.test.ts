// A cluster of real processes keeps the promise (rules.md) when the network between them is cut and heals.
import { describe } from "node:test";
import { checkFault } from "./check-fault.ts";

describe("clients lose nothing that was answered to them, and copies are equal in the end, after (rules 3, 8, 11, 19)", () => {
  checkFault("cut-off", ["Asynchronous"]);
  checkFault("unplug", ["Synchronous"]);
});
