// The lines of a watch: one JSON object each, as bytes that come in any pieces.
import type { Readable } from "node:stream";
import { asError, type Clock, readLines } from "../base/index.ts";
import { InvalidAnswerError, SilentWatchError } from "./errors.ts";
import type { KubeObject, Status } from "./kube-object.ts";

export type WatchEvent<T extends KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  /** Nothing changed up to this version. */
  | { readonly type: "BOOKMARK"; readonly object: { readonly metadata: { readonly resourceVersion: string } } }
  /** The watch ends, and why. */
  | { readonly type: "ERROR"; readonly object: Status };

/** etcd takes objects of 1.5 MiB; JSON and a transition between versions may make them larger. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Ends when the body does; a last line without an end is lost with the connection. Throws InvalidAnswerError, LineTooLongError. */
export async function* readWatchEvents<T extends KubeObject>(body: AsyncIterable<Buffer>): AsyncGenerator<WatchEvent<T>, void, undefined> {
  for await (const line of readLines(body, MAX_LINE_BYTES)) yield parseEvent<T>(line);
}

function parseEvent<T extends KubeObject>(line: Buffer): WatchEvent<T> {
  let event: Partial<WatchEvent<T>> | null;
  try {
    event = JSON.parse(line.toString("utf8")) as Partial<WatchEvent<T>> | null;
  } catch (error) {
    throw new InvalidAnswerError(`A watch sent a line that is no JSON: ${asError(error).message}`, { cause: error });
  }
  if (typeof event?.type !== "string" || typeof event.object !== "object" || event.object === null) {
    throw new InvalidAnswerError("A watch sent a line without type and object");
  }
  return event as WatchEvent<T>;
}

/** Passes the body on, and ends it with SilentWatchError when nothing comes for `silenceMs`. */
export async function* withoutSilence(
  body: Readable,
  clock: Clock,
  { path, silenceMs }: { readonly path: string; readonly silenceMs: number },
): AsyncGenerator<Buffer, void, undefined> {
  let heardMs = clock.monotonic();
  const check = () => {
    const restMs = heardMs + silenceMs - clock.monotonic();
    if (restMs > 0) timer = clock.setTimeout(check, restMs);
    else body.destroy(new SilentWatchError(path, silenceMs));
  };
  let timer = clock.setTimeout(check, silenceMs);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      heardMs = clock.monotonic();
      yield chunk;
    }
  } finally {
    timer.cancel();
  }
}
