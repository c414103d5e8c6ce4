// Valves: pieces that each request passes on its way to the application (Tomcat: org.apache.catalina.Valve).
import type { Request } from "./request.ts";

export interface Valve {
  /**
   * May: look at or change the request; answer it and not call `next`; register `request.onBeforeEnd` to do work between the
   * application's end() and the last bytes of the answer, and `request.onComplete` for after them.
   * Must not: call `next` twice, keep the request after its completion, or write to a response that somebody else answers.
   */
  invoke(request: Request, next: (request: Request) => void): void;
}
