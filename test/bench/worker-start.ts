// Start of a worker alone: compiled, from exec to the first 200 of /readyz, median of 5.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const ADDRESS = "127.0.79.2";
const RUNS = 5;

export async function workerStartSeconds(): Promise<number> {
  const base = mkdtempSync(join(tmpdir(), "tomcat-cluster-start-"));
  mkdirSync(join(base, "conf"));
  writeFileSync(join(base, "conf/server.xml"), SERVER_XML);
  cpSync(join(ROOT, "deploy/samples/webapps"), join(base, "webapps"), { recursive: true });
  try {
    const seconds: number[] = [];
    for (let run = 0; run < RUNS; run++) seconds.push(await startOnce(base));
    return seconds.sort((a, b) => a - b)[Math.floor(RUNS / 2)]!;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

async function startOnce(base: string): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [join(ROOT, "dist/cli/main.js"), "worker", "--base", base, "--management-address", ADDRESS], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    while (!(await ready())) {
      if (child.exitCode !== null) throw new Error(`The worker ended with ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return (performance.now() - startedMs) / 1000;
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

function ready(): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: ADDRESS, port: 9090, path: "/readyz", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("error", () => resolve(false));
  });
}

const SERVER_XML = `<Server port="-1">
  <Service name="Catalina">
    <Connector port="8080" address="${ADDRESS}" protocol="HTTP/1.1"/>
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="alone">
      <Host name="localhost" appBase="webapps"/>
    </Engine>
  </Service>
</Server>
`;
