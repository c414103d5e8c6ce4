// An Express application with express-session and the package's store, across the kill of the worker that serves it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { LocalRun, ManifestFolder, ROOT } from "../support/local-cluster.ts";

/** The modules that the application would have in its own node_modules. */
const moduleUrl = (path: string) => JSON.stringify(pathToFileURL(`${ROOT}/${path}`).href);
const APPLICATION = `
import express from ${moduleUrl("node_modules/express/index.js")};
import session from ${moduleUrl("node_modules/express-session/index.js")};
import { TomcatClusterStore } from ${moduleUrl("src/express-session/index.ts")};

const app = express();
app.use(session({ secret: "s", resave: false, saveUninitialized: false, store: new TomcatClusterStore() }));
app.post("/hit", (req, res) => {
  req.session.n = (req.session.n ?? 0) + 1;
  (req.session.pids ??= []).push(process.pid);
  res.json({ n: req.session.n, pids: req.session.pids });
});
export default app;
`;

interface Answer {
  readonly n: number;
  readonly pids: readonly number[];
}

describe("express-session in a cluster", () => {
  const folder = new ManifestFolder();
  let run: LocalRun;

  before(async () => {
    run = new LocalRun(folder.writeManifest({ replicas: 3 }).addApplication("shop", APPLICATION).manifest);
    await run.ready();
  });
  after(async () => {
    await run.dispose();
    folder.remove();
  });

  it("stays with one worker, and goes on with another when that one is killed", async () => {
    const { url } = await run.ready();
    const cookies = new Map<string, string>();
    const hit = async () => {
      const response = await fetch(`${url}/shop/hit`, { method: "POST", headers: { cookie: [...cookies.values()].join("; ") } });
      assert.equal(response.status, 200);
      for (const cookie of response.headers.getSetCookie()) cookies.set(cookie.split("=")[0]!, cookie.split(";")[0]!);
      return (await response.json()) as Answer;
    };
    let answer = await hit();
    for (let n = 2; n <= 6; n++) {
      answer = await hit();
      assert.equal(answer.n, n);
    }
    assert.equal(new Set(answer.pids).size, 1, "sticky");
    const mark = run.events.length;
    process.kill(answer.pids[0]!, "SIGKILL");
    await run.waitFor("workerExited", () => true, { after: mark });
    for (let n = 7; n <= 9; n++) {
      answer = await hit();
      assert.equal(answer.n, n);
    }
    assert.equal(new Set(answer.pids).size, 2, "sticky again");
    await run.waitFor("workerStarted", () => true, { after: mark });
    assert.equal((await hit()).n, 10);
  });
});
