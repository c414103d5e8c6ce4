import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { HEAP_GROWTH_FLAG } from "../../../src/base/heap-growth.ts";

test("V8 knows the flag that limits how far its heap grows between collections, and limits nothing by itself", () => {
  const options = execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" });
  assert.match(options, new RegExp(`^ +${HEAP_GROWTH_FLAG} .*\\n +type: int +default: ${HEAP_GROWTH_FLAG}=0$`, "m"));
});
