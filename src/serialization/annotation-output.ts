// Collects the custom data of one object: its writeObject or writeExternal part.
import { BlockDataOutput } from "./block-data-output.ts";
import { copyBytes } from "./copy-bytes.ts";
import type { AnnotationItem, JavaValue } from "./java-value.ts";

export class AnnotationOutput extends BlockDataOutput {
  readonly #items: AnnotationItem[] = [];

  override writeObject(value: JavaValue): void {
    this.#endRun();
    this.#items.push(value);
  }

  /** What was written so far, in order. */
  toItems(): AnnotationItem[] {
    this.#endRun();
    return this.#items;
  }

  #endRun(): void {
    if (this.blockLength === 0) return;
    const run = this.block.view();
    this.#items.push(copyBytes(run, 0, run.length));
    this.block.reset();
  }
}
