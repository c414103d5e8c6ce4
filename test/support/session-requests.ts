// Requests that test/fixtures/webapps/app and test/peers/java/SessionServlet.java answer alike.
import assert from "node:assert/strict";

export interface Answer {
  readonly text: string;
  /** Cookie to use from now on. */
  readonly cookie: string;
}

/** One request with the query of `/x`; fails unless it is answered with 200. */
export async function ask(baseUrl: string, query: string, cookie = ""): Promise<Answer> {
  const answer = await fetch(`${baseUrl}/x?${query}`, { headers: cookie ? { cookie } : {} });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return { text, cookie: answer.headers.get("set-cookie")?.split(";", 1)[0] ?? cookie };
}

/** One request of `/hit`, which adds one to the attribute "n". */
export async function hit(baseUrl: string, cookie = ""): Promise<{ readonly n: number; readonly cookie: string }> {
  const answer = await fetch(`${baseUrl}/hit`, { headers: cookie ? { cookie } : {} });
  assert.equal(answer.status, 200);
  const { n } = (await answer.json()) as { n: number };
  return { n, cookie: answer.headers.get("set-cookie")?.split(";", 1)[0] ?? cookie };
}

/** What a Tomcat holds under this cookie, without a request to that session, which would rename it. */
export async function held(tomcatUrl: string, name: string, cookie: string): Promise<string> {
  return (await ask(tomcatUrl, `op=has&k=${name}&id=${idIn(cookie)}`)).text;
}

/** The text after the session id: class and value. */
export function attributeIn(text: string): string {
  return text.slice(text.indexOf(" ") + 1);
}

export function routeIn(text: string): string {
  return /^\w+\.(\S+)/.exec(text)![1]!;
}

export function idIn(cookie: string): string {
  return cookie.slice(cookie.indexOf("=") + 1);
}

/** Looks again every few milliseconds until the result suits; fails with the last one after `timeoutMs`. */
export async function eventually<T>(look: () => T | Promise<T>, suits: (result: T) => boolean, timeoutMs = 15_000): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const result = await look();
    if (suits(result)) return result;
    if (performance.now() > deadlineMs) throw new Error(`Still ${JSON.stringify(result)} after ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
