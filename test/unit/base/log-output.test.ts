import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LogOutput } from "../../../src/base/index.ts";

/** A stream whose writes end when and how the test says. */
class Sink {
  readonly written: string[] = [];
  readonly #open: ((error?: Error) => void)[] = [];

  write(lines: string, done: (error?: Error | null) => void): void {
    this.written.push(lines);
    this.#open.push(done);
  }

  end(error?: Error): void {
    this.#open.shift()!(error);
  }
}

describe("LogOutput", () => {
  it("writes a line at once, and those that come meanwhile together after it", () => {
    const sink = new Sink();
    const output = new LogOutput(sink);
    for (const line of ["a\n", "b\n", "c\n"]) output.write(line);
    assert.deepEqual(sink.written, ["a\n"]);
    sink.end();
    sink.end();
    output.write("d\n");
    assert.deepEqual(sink.written, ["a\n", "b\nc\n", "d\n"]);
  });

  it("goes on when the disk is full, and says how many lines were lost when it is not any more", () => {
    const sink = new Sink();
    const output = new LogOutput(sink);
    output.onRecovered = (lines) => output.write(`${lines} lost\n`);
    for (const line of ["a\n", "b\n", "c\n"]) output.write(line);
    sink.end(new Error("ENOSPC"));
    sink.end(new Error("ENOSPC"));
    output.write("d\n");
    sink.end();
    sink.end();
    output.write("e\n");
    sink.end();
    assert.deepEqual(sink.written, ["a\n", "b\nc\n", "d\n", "3 lost\n", "e\n"]);
  });

  it("keeps no more than its limit for a reader that has stopped", () => {
    const sink = new Sink();
    const output = new LogOutput(sink, { maxBytes: 6 });
    let lost = 0;
    output.onRecovered = (lines) => {
      lost = lines;
    };
    for (const line of ["a\n", "b\n", "ü\n", "c\n", "d\n"]) output.write(line);
    sink.end();
    assert.deepEqual([sink.written, lost], [["a\n", "b\nü\n"], 2]);
  });

  it("hands over what waits in the last moment, whatever became of the write before", () => {
    const sink = new Sink();
    const output = new LogOutput(sink);
    output.write("a\n");
    output.write("b\n");
    output.flush();
    output.flush();
    assert.deepEqual(sink.written, ["a\n", "b\n"]);
  });
});
