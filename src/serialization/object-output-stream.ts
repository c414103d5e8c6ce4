// Writes a Java object stream: objects, and primitives between them.
import { ByteWriter } from "../base/index.ts";
import { BlockDataOutput } from "./block-data-output.ts";
import { GraphWriter } from "./graph-writer.ts";
import type { JavaObject } from "./java-object.ts";
import type { JavaValue } from "./java-value.ts";
import { type StreamLimits, streamLimits } from "./limits.ts";
import { STREAM_HEADER } from "./protocol.ts";
import type { SuidTable } from "./suid-table.ts";

export interface ObjectOutputStreamOptions {
  readonly limits?: Partial<StreamLimits>;
  /** SUIDs to write in place of a descriptor's own. */
  readonly suids?: SuidTable;
  /** Room to begin with; default 1024. It grows as need be. */
  readonly expectedBytes?: number;
}

const INITIAL_BYTES = 1024;

/**
 * Writes as Java does: one handle for one node (equal strings share one), block data in records of at most 1024 bytes.
 * A graph deeper than the limit throws StreamLimitError and spoils the stream.
 */
export class ObjectOutputStream extends BlockDataOutput {
  readonly #writer: ByteWriter;
  readonly #graph: GraphWriter;

  constructor(options: ObjectOutputStreamOptions = {}) {
    super();
    this.#writer = new ByteWriter(options.expectedBytes ?? INITIAL_BYTES);
    this.#writer.i32(STREAM_HEADER);
    this.#graph = new GraphWriter(this.#writer, streamLimits(options.limits), options.suids);
  }

  override writeObject(value: JavaValue): void {
    this.#drain();
    this.#graph.writeValue(value, 0);
  }

  /** What was written before is forgotten by both sides: it is written whole again, and its reader may let go of it. */
  writeReset(): void {
    this.#drain();
    this.#graph.writeReset();
  }

  /**
   * Says that the object which follows could not be written, and why: its reader gets a WriteAbortedError in its place, and can read on.
   * `exception` is to be a Throwable.
   */
  writeException(exception: JavaObject): void {
    this.#drain();
    this.#graph.writeException(exception);
  }

  /** A copy of the whole stream so far. */
  toBuffer(): Buffer {
    this.#drain();
    return this.#writer.toBuffer();
  }

  #drain(): void {
    if (this.blockLength === 0) return;
    this.#graph.writePrimitives(this.block);
    this.block.reset();
  }
}
