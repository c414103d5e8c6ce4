// Reads the custom data of one object: its writeObject or writeExternal part.
import { BlockDataInput } from "./block-data-input.ts";
import { UnexpectedShapeError } from "./errors.ts";
import type { AnnotationItem, JavaValue } from "./java-value.ts";

/** Over `object.annotation()`. Reads that do not fit what is there throw UnexpectedShapeError. */
export class AnnotationInput extends BlockDataInput {
  readonly #items: readonly AnnotationItem[];
  #index = 0;
  /** Consumed bytes of the run of block data at `#index`. */
  #consumed = 0;

  constructor(items: readonly AnnotationItem[]) {
    super();
    this.#items = items;
  }

  override get atEnd(): boolean {
    this.#skipConsumedRun();
    return this.#index === this.#items.length;
  }

  override get objectFollows(): boolean {
    return !this.atEnd && !Buffer.isBuffer(this.#items[this.#index]);
  }

  override readObject(): JavaValue {
    if (this.atEnd) throw new UnexpectedShapeError("an object in custom data", "its end");
    const item = this.#items[this.#index] as AnnotationItem;
    if (Buffer.isBuffer(item)) throw new UnexpectedShapeError("an object in custom data", "primitive data");
    this.#index++;
    return item;
  }

  protected override take(length: number): number {
    if (length === 0) return 0;
    const run = this.atEnd ? null : this.#items[this.#index];
    if (!Buffer.isBuffer(run)) throw new UnexpectedShapeError(`${length} bytes of primitive data`, run === null ? "no more" : "an object");
    const offset = this.#consumed;
    if (length < 0 || offset + length > run.length) {
      throw new UnexpectedShapeError(`${length} bytes of primitive data`, `${run.length - offset} bytes`);
    }
    this.window = run;
    this.#consumed += length;
    return offset;
  }

  #skipConsumedRun(): void {
    const item = this.#items[this.#index];
    if (Buffer.isBuffer(item) && this.#consumed === item.length) {
      this.#index++;
      this.#consumed = 0;
    }
  }
}
