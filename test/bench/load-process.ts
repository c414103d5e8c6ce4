// A process that makes load, so that the measuring one does not disturb it. Paced: latency counts from the time at which a request was
// due, so that a server that stands still makes every request late that it would have served meanwhile.
import { KeptConnection } from "./kept-connection.ts";
import type { LoadReply, LoadTask, LoadWindow } from "./load-tasks.ts";

const CONNECTIONS = 32;
const TICK_MS = 1;
/** Prime: requests that follow one another are far apart in the table of sessions, and all sessions have their turn. */
const STRIDE = 7919;
const PAUSE_POLL_MS = 5;

type Pace = { readonly kind: "Paced"; readonly periodMs: number } | { readonly kind: "Full" } | undefined;

let connections: KeptConnection[] = [];
let path = "";
const cookies: string[] = [];
let next = 0;
let pace: Pace;
const idle: KeptConnection[] = [];
/** When requests were due that wait for a connection. */
const waiting: number[] = [];
let dueMs = 0;
let latencies: number[] = [];
let errors = 0;
let windowStartMs = performance.now();

async function fill({ url, sessions, bytes }: LoadTask & { task: "Fill" }): Promise<void> {
  for (const connection of connections) connection.close();
  connections = Array.from({ length: CONNECTIONS }, () => new KeptConnection(new URL(url)));
  path = `${new URL(url).pathname}/hit`;
  cookies.length = 0;
  let left = sessions;
  const fillThrough = async (connection: KeptConnection) => {
    while (left-- > 0) {
      const { status, cookie } = await connection.post(`${path}?bytes=${bytes}`, undefined);
      if (status !== 200 || cookie === undefined) throw new Error(`No session from ${url}: status ${status}`);
      cookies.push(cookie);
    }
  };
  await Promise.all(connections.map(fillThrough));
}

function begin(wanted: NonNullable<Pace>): void {
  pace = wanted;
  dueMs = performance.now();
  idle.splice(0, idle.length, ...connections);
  if (wanted.kind === "Paced") tick();
  else while (idle.length > 0) void request(idle.pop()!, performance.now());
}

function tick(): void {
  if (pace?.kind !== "Paced") return;
  const nowMs = performance.now();
  for (; dueMs <= nowMs; dueMs += pace.periodMs) {
    const connection = idle.pop();
    if (connection === undefined) waiting.push(dueMs);
    else void request(connection, dueMs);
  }
  setTimeout(tick, TICK_MS);
}

async function request(connection: KeptConnection, wantedMs: number): Promise<void> {
  next = (next + STRIDE) % cookies.length;
  try {
    const { status } = await connection.post(path, cookies[next]);
    if (status !== 200) errors++;
  } catch {
    errors++; // A connection that broke: counted, and opened again with the next request.
  }
  const nowMs = performance.now();
  latencies.push(nowMs - wantedMs);
  const due = pace?.kind === "Full" ? nowMs : waiting.shift();
  if (due === undefined) idle.push(connection);
  else void request(connection, due);
}

/** Resolves when nothing is under way. */
async function pause(): Promise<void> {
  if (pace === undefined) return;
  pace = undefined;
  while (idle.length < connections.length) await new Promise((resolve) => setTimeout(resolve, PAUSE_POLL_MS));
}

function takeWindow(): LoadWindow {
  const nowMs = performance.now();
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const window = {
    seconds: (nowMs - windowStartMs) / 1000,
    requests: sorted.length,
    errors,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
  latencies = [];
  errors = 0;
  windowStartMs = nowMs;
  return window;
}

async function carryOut(task: LoadTask): Promise<void> {
  if (task.task === "Fill") await fill(task);
  else if (task.task === "Paced") begin({ kind: "Paced", periodMs: 1000 / task.perSecond });
  else if (task.task === "Full") begin({ kind: "Full" });
  else if (task.task === "Pause") await pause();
}

function reply(answer: LoadReply): void {
  process.send!(answer);
}

process.on("message", (task: LoadTask) => {
  carryOut(task).then(
    () => reply({ window: takeWindow() }),
    (error: unknown) => reply({ failure: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
