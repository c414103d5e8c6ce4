// tomcat-cluster verify: whether workers hold the same sessions and know each other.
import { get } from "node:http";
import { setTimeout } from "node:timers/promises";
import { Command } from "commander";
import { numberParser } from "./option-parsers.ts";

interface VerifyCommandOptions {
  readonly json: boolean;
  readonly timeout: number;
}

const SETTLE_MS = 500;
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export function verifyCommand(): Command {
  return new Command("verify")
    .description("compare the members and the sessions that workers know; exit code 1 when they differ")
    .argument("<url...>", "management ports of the workers, as http://127.0.5.2:9090")
    .option("--timeout <seconds>", "for one answer of a worker", numberParser(1, 3600), 60)
    .option("--json", "print one JSON object", false)
    .action(runVerify);
}

async function runVerify(urls: string[], { json, timeout }: VerifyCommandOptions): Promise<void> {
  const { reportText, verifyWorkers } = await import("../verify/index.ts");
  const getText = (url: string) => httpGetText(url, timeout * 1000);
  const verification = await verifyWorkers({ pause: (ms) => setTimeout(ms), getText }, { urls, settleMs: SETTLE_MS });
  console.log(json ? JSON.stringify(verification) : reportText(verification));
  if (!verification.equal) process.exitCode = 1;
}

/** A connection of its own: workers of a group are asked rarely, and not often. */
function httpGetText(url: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) response.destroy(new Error(`its answer has more than ${MAX_BODY_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`it answers ${response.statusCode}: ${text.trim().slice(0, 200)}`));
      });
    });
    request.on("error", reject);
  });
}
