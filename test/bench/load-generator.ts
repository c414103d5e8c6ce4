// The handle of the process that makes load.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadReply, LoadTask, LoadWindow } from "./load-tasks.ts";

/** Tasks are carried out one after the other: await each. */
export class LoadGenerator {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** `launcher`: command and arguments that run the process's own command. */
  constructor(launcher: readonly string[] = []) {
    const command = [...launcher, process.execPath, join(import.meta.dirname, "load-process.ts")];
    this.#child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#ended = once(this.#child, "exit");
  }

  /** Makes sessions of so many bytes, which the load then uses in turn; forgets earlier ones. `url`: of the context. */
  async fill(url: string, sessions: number, bytes: number): Promise<LoadWindow> {
    return this.#carryOut({ task: "Fill", url, sessions, bytes });
  }

  /** Requests at a fixed rate, whatever the server does. */
  async paced(perSecond: number): Promise<void> {
    await this.#carryOut({ task: "Paced", perSecond });
  }

  /** As many requests as there are answers. */
  async full(): Promise<void> {
    await this.#carryOut({ task: "Full" });
  }

  /** Resolves when nothing is under way. */
  async pause(): Promise<void> {
    await this.#carryOut({ task: "Pause" });
  }

  /** What happened since the last task. */
  window(): Promise<LoadWindow> {
    return this.#carryOut({ task: "Window" });
  }

  async stop(): Promise<void> {
    this.#child.disconnect();
    await this.#ended;
  }

  async #carryOut(task: LoadTask): Promise<LoadWindow> {
    const over = new AbortController();
    const ended = this.#ended.then((): LoadReply => ({ failure: "The load's process has ended" }));
    this.#child.send(task);
    const answered = once(this.#child, "message", { signal: over.signal }).then(([reply]) => reply as LoadReply);
    const reply = await Promise.race([answered, ended]);
    over.abort();
    if ("failure" in reply) throw new Error(reply.failure);
    return reply.window;
  }
}
