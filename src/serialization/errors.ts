// Failures of reading and writing Java object streams.
import { TomcatClusterError } from "../base/index.ts";
import type { JavaValue } from "./java-value.ts";

/** The bytes are not a Java object stream, or end too early. `offset` counts from the start of the stream. */
export class MalformedStreamError extends TomcatClusterError {
  readonly code = "MALFORMED_STREAM";
  readonly offset: number;

  constructor(problem: string, offset: number, options?: ErrorOptions) {
    super(`${problem} at offset ${offset} of the Java object stream`, options);
    this.offset = offset;
  }
}

/** The stream, or the graph that should become one, is larger or deeper than allowed. */
export class StreamLimitError extends TomcatClusterError {
  readonly code = "STREAM_LIMIT";

  constructor(limit: string, allowed: number) {
    super(
      `The Java object graph exceeds its limit "${limit}" of ${allowed}; keep smaller and flatter objects in sessions, or raise the limit`,
    );
  }
}

/** The sender failed while it wrote this object and said so (TC_EXCEPTION). The stream can be read on behind it. */
export class WriteAbortedError extends TomcatClusterError {
  readonly code = "WRITE_ABORTED";
  /** The sender's exception, as an inert graph. */
  readonly exception: JavaValue;

  constructor(className: string, exception: JavaValue) {
    super(`The sender aborted writing this object with "${className}"; make the value serializable there`);
    this.exception = exception;
  }
}

/** A JavaScript value has no Java form. `path` leads to it inside the value: "" is the value itself, ".items[2]" a part. */
export class UnsupportedValueError extends TomcatClusterError {
  readonly code = "UNSUPPORTED_VALUE";
  readonly path: string;
  /** "function", "undefined", "instance of Cart", "cycle" … */
  readonly type: string;

  constructor(path: string, type: string) {
    super(
      `Cannot replicate ${path === "" ? "the value" : `"${path}" of the value`}: ${type} has no Java form; ` +
        "use strings, numbers, booleans, dates, bytes, arrays, plain objects, maps and sets",
    );
    this.path = path;
    this.type = type;
  }
}

/** An object that was read has another class, or other fields, than its reader expects. */
export class UnexpectedShapeError extends TomcatClusterError {
  readonly code = "UNEXPECTED_SHAPE";

  constructor(expected: string, found: string) {
    super(`Expected ${expected}, found ${found}`);
  }
}
