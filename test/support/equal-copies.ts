// Whether workers have the same sessions, by what `tomcat-cluster verify` says.
import { execFile } from "node:child_process";
import { ENTRY } from "./local-cluster.ts";

const EQUAL_WITHIN_MS = 15_000;

/** Undefined as soon as it finds no difference; what it says last when it always finds some. `managements`: "http://127.0.5.2:9090". */
export async function differenceAfterQuiet(managements: readonly string[]): Promise<string | undefined> {
  const deadlineMs = performance.now() + EQUAL_WITHIN_MS;
  for (;;) {
    const { equal, report } = await verify(managements);
    if (equal) return undefined;
    if (performance.now() > deadlineMs) return report;
  }
}

function verify(urls: readonly string[]): Promise<{ equal: boolean; report: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [ENTRY, "verify", ...urls], (error, stdout, stderr) =>
      resolve({ equal: error === null, report: stdout + stderr }),
    );
  });
}
