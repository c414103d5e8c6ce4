// The few pages that the container writes itself: plain, without anything of what went wrong inside.
import { STATUS_CODES } from "node:http";

const STYLE =
  ":root{color-scheme:light dark}body{font:17px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1.25rem}code{background:#8882;padding:.1rem .3rem;border-radius:.2rem}";

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": "text/html; charset=utf-8",
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
  "X-Content-Type-Options": "nosniff",
};

/** A page that says status and sentence; the sentence is text, not markup. */
export function errorPage(status: number, sentence: string): string {
  const title = `${status} ${STATUS_CODES[status] ?? "Error"}`;
  return page(title, `<p>${escapeHtml(sentence)}</p>`);
}

/** What a worker shows that has nothing to serve. */
export function welcomePage(appBase: string): string {
  return page(
    "It works, and has nothing to serve yet",
    `<p>This worker found no web application. Put a folder with a <code>package.json</code> into <code>${escapeHtml(appBase)}</code>, ` +
      "whose main module exports a request listener by default, and start the worker again:</p>" +
      "<pre><code>export default (req, res) =&gt; {\n  const session = req.getSession();\n" +
      '  const n = (session.getAttribute("n") ?? 0) + 1;\n  session.setAttribute("n", n);\n  res.end("Visit " + n);\n};</code></pre>' +
      "<p>The folder <code>ROOT</code> serves <code>/</code>, the folder <code>shop</code> serves <code>/shop</code>. " +
      "Express applications and the callbacks of Koa are request listeners too.</p>",
  );
}

function page(title: string, body: string): string {
  return (
    `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>\n` +
    `<body><h1>${escapeHtml(title)}</h1>\n${body}\n</body></html>\n`
  );
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
