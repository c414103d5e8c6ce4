// The pages of a worker's management port that are compared, as far as they are looked at.
import { z } from "zod";
import { asError } from "../base/index.ts";
import { WorkerAnswerError } from "./errors.ts";

const managerSchema = z.object({
  contextName: z.string(),
  sessions: z.number(),
  sessionsAtRisk: z.number(),
  stateTransferred: z.boolean(),
  /** Not of a manager that has other sessions on each worker. */
  digest: z.string().optional(),
  versionDigest: z.string().optional(),
});

const memberSchema = z.object({ name: z.string(), state: z.string(), kind: z.string().optional() });

const clusterSchema = z.object({
  state: z.string(),
  localMember: z.string().optional(),
  members: z.array(memberSchema).default([]),
  managers: z.array(managerSchema).default([]),
});

const sessionPageSchema = z.object({
  sessions: z.array(z.object({ id: z.string(), version: z.number(), content: z.string() })),
  next: z.string().optional(),
});

export type WorkerPage = z.infer<typeof clusterSchema>;
export type SessionEntry = z.infer<typeof sessionPageSchema>["sessions"][number];

/** Gets a text; rejects for everything but status 200, and after a time-out. */
export type GetText = (url: string) => Promise<string>;

const PAGE_LIMIT = 10_000;
/** A worker keeps at most so many sessions in all its contexts, by far. */
const MAX_PAGES = 1000;

export async function fetchWorkerPage(getText: GetText, url: string): Promise<WorkerPage> {
  return fetchJson(getText, url, "/cluster?digest", clusterSchema);
}

/** By hashed id. */
export async function fetchSessions(getText: GetText, url: string, context: string): Promise<Map<string, SessionEntry>> {
  const sessions = new Map<string, SessionEntry>();
  let after = "";
  for (let page = 0; page < MAX_PAGES; page++) {
    const path = `/cluster?sessions=${encodeURIComponent(context)}&limit=${PAGE_LIMIT}&after=${after}`;
    const { sessions: found, next } = await fetchJson(getText, url, path, sessionPageSchema);
    for (const entry of found) sessions.set(entry.id, entry);
    if (next === undefined || next <= after) return sessions;
    after = next;
  }
  throw new WorkerAnswerError(url, `lists more than ${MAX_PAGES * PAGE_LIMIT} sessions of "${context}"`);
}

async function fetchJson<T>(getText: GetText, url: string, path: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = await getText(new URL(path, url).href);
  } catch (error) {
    throw new WorkerAnswerError(url, `does not answer: ${asError(error).message}`, { cause: error });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new WorkerAnswerError(url, "does not answer as the management port of a worker does", { cause: error });
  }
}
