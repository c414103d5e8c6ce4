// In place of an API server that a ListWatch reads from: each read gets what the test has laid out for it.
import type { Reader, ReadOptions } from "../../src/kube-watch/list-watch.ts";

/** A body that a test writes to piece by piece. */
export class ScriptedBody implements AsyncIterable<Buffer> {
  #items: (Buffer | Error | "end")[] = [];
  #wake: () => void = () => undefined;
  /** Whoever read it has gone. */
  isClosed = false;

  line(value: unknown): this {
    return this.bytes(`${JSON.stringify(value)}\n`);
  }

  bytes(text: string): this {
    return this.#push(Buffer.from(text));
  }

  end(): this {
    return this.#push("end");
  }

  fail(error: Error): this {
    return this.#push(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else if (item === "end") return;
        else if (item instanceof Error) throw item;
        else yield item;
      }
    } finally {
      this.isClosed = true;
    }
  }

  #push(item: Buffer | Error | "end"): this {
    this.#items.push(item);
    this.#wake();
    return this;
  }
}

export class ScriptedReader implements Reader {
  /** The query of every read, in order. */
  readonly queries: Readonly<Record<string, string>>[] = [];
  readonly paths: string[] = [];
  /** One for each read, in order; a read beyond them gets a body that stays open. */
  readonly answers: (ScriptedBody | Error)[] = [];

  async read(path: string, { signal }: ReadOptions): Promise<AsyncIterable<Buffer>> {
    const url = new URL(path, "https://localhost");
    this.paths.push(url.pathname);
    this.queries.push(Object.fromEntries(url.searchParams));
    const answer = this.answers.shift() ?? new ScriptedBody();
    if (answer instanceof Error) throw answer;
    signal.addEventListener("abort", () => answer.fail(new Error("The read was aborted")));
    return answer;
  }
}
