// What ready workers say about their group: the /cluster page of their management ports.
import { z } from "zod";
import { asError } from "../../base/index.ts";
import { MANAGEMENT_PORT } from "../desired/index.ts";
import type { WorkerPod } from "./worker-pods.ts";

const pageSchema = z.object({
  state: z.string(),
  localMember: z.string().optional(),
  members: z.array(z.object({ name: z.string(), state: z.string() })).default([]),
  managers: z.array(z.object({ primarySessions: z.number().default(0), sessionsAtRisk: z.number() })).default([]),
  encryption: z.object({ sending: z.object({ name: z.string() }), accepted: z.array(z.object({ name: z.string() })) }).optional(),
});

/** One worker's answer. */
export interface WorkerView {
  /** Of the pod. */
  readonly worker: string;
  /** "starting", "serving", "draining", "stopping". */
  readonly state: string;
  /** Names of the members that it sees alive, its own among them, sorted: "tcp://10.0.0.1:4000". */
  readonly members: readonly string[];
  /** That it serves itself; the others have copies of them. */
  readonly sessions: number;
  readonly sessionsAtRisk: number;
  /** Names of the files of its keys; undefined where nothing is encrypted. */
  readonly keys?: { readonly sending: string; readonly accepted: readonly string[] };
}

export interface NoAnswer {
  readonly worker: string;
  readonly problem: string;
}

/** The text of a page. Rejects for everything but status 200, and after a time-out. */
export type GetText = (url: string, signal: AbortSignal) => Promise<string>;

const ALIVE = "Alive";
const TIMEOUT_MS = 2000;
/** A page has some 300 bytes a member and a context. */
const MAX_PAGE_BYTES = 1024 * 1024;

export function parseWorkerView(worker: string, text: string): WorkerView {
  const { state, localMember, members, managers, encryption } = pageSchema.parse(JSON.parse(text));
  const alive = members.filter((member) => member.state === ALIVE).map(({ name }) => name);
  return {
    worker,
    state,
    members: [...(localMember === undefined ? [] : [localMember]), ...alive].toSorted(),
    sessions: managers.reduce((sum, { primarySessions }) => sum + primarySessions, 0),
    sessionsAtRisk: managers.reduce((sum, { sessionsAtRisk }) => sum + sessionsAtRisk, 0),
    ...(encryption && { keys: { sending: encryption.sending.name, accepted: encryption.accepted.map(({ name }) => name) } }),
  };
}

/** Asks all of them at once; there are at most a hundred. */
export function askWorkers(getText: GetText, pods: readonly WorkerPod[], signal: AbortSignal): Promise<readonly (WorkerView | NoAnswer)[]> {
  return Promise.all(pods.map((pod) => askWorker(getText, pod, signal)));
}

async function askWorker(getText: GetText, { name: worker, address }: WorkerPod, signal: AbortSignal): Promise<WorkerView | NoAnswer> {
  if (address === undefined) return { worker, problem: "its pod has no address" };
  const host = address.includes(":") ? `[${address}]` : address;
  try {
    return parseWorkerView(worker, await insistent(getText, `http://${host}:${MANAGEMENT_PORT}/cluster`, signal));
  } catch (error) {
    return { worker, problem: asError(error).message.split("\n", 1)[0]! };
  }
}

/** Asks once more after a time-out: a worker, or this process, that was busy for a moment is no news worth a change of the status. */
async function insistent(getText: GetText, url: string, signal: AbortSignal): Promise<string> {
  try {
    return await getText(url, signal);
  } catch (error) {
    if (asError(error).name !== "TimeoutError" || signal.aborted) throw error;
    return getText(url, signal);
  }
}

/** Over the network, with a time-out of 2 s, at most 1 MiB, from nowhere else. */
export async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  // A worker runs code of its users': it does not say where the operator asks next.
  const answer = await fetch(url, { redirect: "error", signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_PAGE_BYTES) throw new RangeError(`${url} has more than ${MAX_PAGE_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (answer.status !== 200) throw new RangeError(`${url} was answered ${answer.status}`);
  return Buffer.concat(chunks).toString("utf8");
}
