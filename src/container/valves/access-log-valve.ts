// One line per request, as Tomcat and httpd write it (Tomcat: AccessLogValve).
import type { Clock } from "../../base/index.ts";
import type { AttributeValue } from "../../config/index.ts";
import type { Request } from "../request.ts";
import type { Valve } from "../valve.ts";
import { type AccessLogFormat, compileAccessLogPattern } from "./access-log-pattern.ts";

export const ACCESS_LOG_VALVE = "org.apache.catalina.valves.AccessLogValve";

/** Takes one line at a time, without its end. Must not block and must not throw. */
export interface LineWriter {
  writeLine(line: string): void;
}

/** `pattern`: "common" (default), "combined", or directives (access-log-pattern.ts). A request is logged when it is complete. */
export class AccessLogValve implements Valve {
  readonly #clock: Clock;
  readonly #writer: LineWriter;
  readonly #format: AccessLogFormat;

  /** Throws AccessLogPatternError. */
  constructor(deps: { clock: Clock; writer: LineWriter }, attributes: Readonly<Record<string, AttributeValue>>) {
    this.#clock = deps.clock;
    this.#writer = deps.writer;
    this.#format = compileAccessLogPattern(String(attributes.pattern ?? "common"));
  }

  invoke(request: Request, next: (request: Request) => void): void {
    const startedAtMs = this.#clock.now();
    const startMs = this.#clock.monotonic();
    // Both are gone with the session and the connection when the request is complete.
    let sessionId: string | undefined;
    request.countBodyBytes();
    request.onBeforeEnd(() => {
      sessionId = request.session?.id;
    });
    request.onComplete(() => {
      const durationMs = this.#clock.monotonic() - startMs;
      this.#writer.writeLine(this.#format({ request, startedAtMs, durationMs, sessionId }));
    });
    next(request);
  }
}
