// Asks workers for their views and digests, and finds out what differs and stays different.
import { asError } from "../base/index.ts";
import {
  compareContext,
  compareSessions,
  compareViews,
  contextNames,
  countVersions,
  type Difference,
  sameSessions,
} from "./compare-workers.ts";
import { InvalidUrlError } from "./errors.ts";
import { fetchSessions, fetchWorkerPage, type GetText, type SessionEntry, type WorkerPage } from "./worker-pages.ts";

export interface VerifyDeps {
  /** Resolves after so many milliseconds, for which it keeps the process alive. */
  readonly pause: (ms: number) => Promise<void>;
  readonly getText: GetText;
}

export interface VerifyOptions {
  /** Management ports of the workers. */
  readonly urls: readonly string[];
  /** Sessions that differ are looked at again after this time; those in use are equal then, or different in another way. */
  readonly settleMs: number;
}

export interface Verification {
  readonly equal: boolean;
  readonly workers: readonly {
    readonly url: string;
    readonly state: string;
    readonly member: string | undefined;
    readonly members: number;
  }[];
  readonly contexts: readonly {
    readonly name: string;
    readonly equal: boolean;
    readonly workers: readonly {
      readonly url: string;
      readonly sessions: number;
      readonly sessionsAtRisk: number;
      /** Undefined where each worker has other sessions. */
      readonly digest: string | undefined;
    }[];
  }[];
  readonly differences: readonly Difference[];
}

type SessionDifference = Extract<Difference, { kind: "Session" }>;

/** Looks before a difference counts. */
const LOOKS = 3;

/** Throws InvalidUrlError; a worker that does not answer is a difference. */
export async function verifyWorkers(deps: VerifyDeps, { urls, settleMs }: VerifyOptions): Promise<Verification> {
  for (const url of urls) if (protocolOf(url) !== "http:") throw new InvalidUrlError(url);
  const differences: Difference[] = [];
  const pages = new Map<string, WorkerPage>();
  const answers = await Promise.allSettled(urls.map((url) => fetchWorkerPage(deps.getText, url)));
  answers.forEach((answer, index) => {
    const worker = urls[index]!;
    if (answer.status === "fulfilled") pages.set(worker, answer.value);
    else differences.push({ kind: "NotAnswering", worker, problem: asError(answer.reason).message });
  });
  differences.push(...compareViews(pages));
  const contexts: Verification["contexts"][number][] = [];
  for (const name of contextNames(pages)) {
    const found = compareContext(pages, name);
    if (!sameSessions(pages, name)) found.push(...(await differingSessions(deps, pages, name, settleMs)));
    differences.push(...found);
    contexts.push({ name, equal: found.length === 0, workers: contextOn(pages, name) });
  }
  return {
    equal: differences.length === 0,
    workers: [...pages].map(([url, page]) => ({ url, state: page.state, member: page.localMember, members: page.members.length })),
    contexts,
    differences,
  };
}

/** Only what differs at every look, so that changes which are under way are no difference. */
async function differingSessions(
  { pause, getText }: VerifyDeps,
  pages: ReadonlyMap<string, WorkerPage>,
  context: string,
  settleMs: number,
): Promise<Difference[]> {
  const holders = [...pages].filter(([, { managers }]) => managers.some(({ contextName }) => contextName === context));
  const versions = countVersions(pages);
  let differing: SessionDifference[] | undefined;
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) await pause(settleMs);
    const lists = new Map<string, ReadonlyMap<string, SessionEntry>>();
    for (const [url] of holders) {
      try {
        lists.set(url, await fetchSessions(getText, url, context));
      } catch (error) {
        return [{ kind: "NotAnswering", worker: url, problem: asError(error).message }];
      }
    }
    const before = differing && new Set(differing.map(({ session }) => session));
    differing = compareSessions(context, lists, versions).filter(({ session }) => before === undefined || before.has(session));
    if (differing.length === 0) return [];
  }
  return differing ?? [];
}

function contextOn(pages: ReadonlyMap<string, WorkerPage>, context: string) {
  return [...pages].flatMap(([url, { managers }]) =>
    managers
      .filter(({ contextName }) => contextName === context)
      .map(({ sessions, sessionsAtRisk, digest }) => ({ url, sessions, sessionsAtRisk, digest })),
  );
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}
