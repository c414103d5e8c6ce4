// A cluster of real processes keeps the promise (rules.md) whatever happens to one of them.
import { describe } from "node:test";
import { checkFault } from "./check-fault.ts";

describe("clients lose nothing that was answered to them, and copies are equal in the end, after (rules 2, 3, 8, 9, 10, 11, 18, 19)", () => {
  checkFault("kill", ["Synchronous", "Asynchronous"]);
  checkFault("terminate", ["Asynchronous"]);
  checkFault("crash", ["Synchronous"]);
  checkFault("roll", ["Asynchronous"]);
  checkFault("freeze", ["Synchronous"]);
  checkFault("block", ["Asynchronous"]);
  checkFault("dns", ["Synchronous"]);
  checkFault("slow-reader", ["Asynchronous"]);
  checkFault("disk-full", ["Synchronous"]);
});

describe("the same where each session is on two workers only (rules 8, 11, 17, 18)", () => {
  checkFault("kill", ["Synchronous"], "Backup");
  checkFault("roll", ["Synchronous"], "Backup");
  checkFault("freeze", ["Synchronous"], "Backup");
});
