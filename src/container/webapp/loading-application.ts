// How modules of an application find the worker while they load: packages cannot share our modules, only a symbol.
import type { SessionStorage } from "./session-storage.ts";

/**
 * What stands under this symbol in `globalThis` while an application loads, and only then. Contexts of a process load one after
 * the other, so that it is always the right one.
 */
export const LOADING_APPLICATION = Symbol.for("tomcat-cluster.loading-application");

export interface LoadingApplication {
  /** Host and context path, "localhost#/shop". */
  readonly contextName: string;
  /**
   * Keeps texts in this attribute of sessions. From here on `req.session` is left to the package that asks: the container's own
   * session is at `req.getSession()` alone.
   */
  openSessionStorage(attribute: string): SessionStorage;
}

let last: Promise<unknown> = Promise.resolve();

/** Runs `load` after all loads before it have ended, or were given up. Rejects as `load` does. */
export function loadingAs<T>(application: LoadingApplication, load: () => Promise<T>): Promise<T> {
  const run = last.then(async () => {
    Object.defineProperty(globalThis, LOADING_APPLICATION, { value: application, configurable: true });
    try {
      return await load();
    } finally {
      Reflect.deleteProperty(globalThis, LOADING_APPLICATION);
    }
  });
  last = run.catch(() => undefined);
  return run;
}
