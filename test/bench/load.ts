// The load of product.md's budgets: wrk with 32 connections over 500 sessions of 1 KiB; each request changes one Integer attribute.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const SESSIONS = 500;
export const CONNECTIONS = 32;
const SESSION_BYTES = 1024;

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

/** Makes the sessions; returns their cookies, "JSESSIONID=…". */
export async function createSessions(url: string): Promise<string[]> {
  const cookies: string[] = [];
  for (let n = 0; n < SESSIONS; n++) {
    const answer = await fetch(`${url}/hit?bytes=${SESSION_BYTES}`);
    const cookie = answer.headers.get("set-cookie")?.split(";", 1)[0];
    await answer.arrayBuffer();
    if (answer.status !== 200 || !cookie) throw new Error(`No session from ${url}: status ${answer.status}`);
    cookies.push(cookie);
  }
  return cookies;
}

export async function load(url: string, cookies: readonly string[], seconds: number): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-bench-"));
  const script = join(folder, "load.lua");
  writeFileSync(script, luaScript(new URL(`${url}/hit`).pathname, cookies));
  try {
    const output = await run("wrk", ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", "-s", script, url]);
    const result = /RESULT (\{.*\})/.exec(output);
    if (!result) throw new Error(`wrk printed no result:\n${output}`);
    return JSON.parse(result[1]!) as LoadResult;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function luaScript(path: string, cookies: readonly string[]): string {
  return `local cookies = {${cookies.map((cookie) => JSON.stringify(cookie)).join(",")}}
local requests = {}
local n = 0
function init(args)
  for i, cookie in ipairs(cookies) do requests[i] = wrk.format("POST", "${path}", { ["Cookie"] = cookie, ["Host"] = wrk.headers["Host"], ["Content-Length"] = "0" }) end
end
function request()
  n = n % #requests + 1
  return requests[n]
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"requestsPerSecond":%.1f,"p50Ms":%.3f,"p99Ms":%.3f,"errors":%d}\\n',
    summary.requests, summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (data: Buffer) => {
      output += data.toString();
    });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve(output) : reject(new Error(`${command} ended with ${code}:\n${output}`))));
  });
}
