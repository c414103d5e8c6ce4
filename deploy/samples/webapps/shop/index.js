// The sample shop: a plain request listener. The basket is an ordinary session attribute; keeping it alive is the cluster's work.
import { catalogue, page } from "./page.js";

const MAX_FORM_BYTES = 8192;
const MAX_PADDING_BYTES = 1_000_000;

/** `req.url` is relative to the context; `req.contextPath` ("/shop") leads back to it. */
export default async function shop(req, res) {
  const url = new URL(req.url, "http://shop.invalid");
  const isRead = req.method === "GET" || req.method === "HEAD";
  if (url.pathname === "/" && isRead) showPage(req, res);
  else if (url.pathname === "/hit" && (isRead || req.method === "POST")) hit(req, res, url.searchParams);
  else if (url.pathname === "/basket" && req.method === "POST") await changeBasket(req, res);
  else if (["/", "/hit", "/basket"].includes(url.pathname)) send(res, 405, "text/plain", "Method not allowed\n");
  else send(res, 404, "text/plain", "Not found\n");
}

function showPage(req, res) {
  const session = req.getSession(false);
  const basket = session?.getAttribute("basket") ?? {};
  const html = page({
    contextPath: req.contextPath,
    worker: workerName(session),
    pid: process.pid,
    basket,
    changedBy: session?.getAttribute("changedBy"),
  });
  res.setHeader("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'");
  send(res, 200, "text/html", html);
}

/** Add, remove or empty, then back to the page, so that a reload repeats nothing. */
async function changeBasket(req, res) {
  const form = await readForm(req);
  if (form === undefined) return send(res, 413, "text/plain", "Form too large\n");
  const action = form.get("action");
  const item = form.get("item");
  if (action !== "empty" && !(catalogue.has(item) && (action === "add" || action === "remove"))) {
    return send(res, 400, "text/plain", "Unknown item or action\n");
  }
  const session = req.getSession(true);
  const basket = action === "empty" ? {} : { ...session.getAttribute("basket") };
  if (action !== "empty") {
    const quantity = (basket[item] ?? 0) + (action === "add" ? 1 : -1);
    if (quantity > 0) basket[item] = quantity;
    else delete basket[item];
  }
  session.setAttribute("basket", basket);
  session.setAttribute("changedBy", workerName(session));
  res.setHeader("Location", `${req.contextPath}/`);
  send(res, 303, "text/plain", "");
}

/** For scripts: adds one to the attribute `n`. `?bytes=1024` makes a new session that large; `?readonly=1` changes nothing. */
function hit(req, res, parameters) {
  const readOnly = parameters.get("readonly") === "1";
  const session = req.getSession(!readOnly);
  if (session && !readOnly) {
    const n = session.getAttribute("n") ?? 0;
    const bytes = Math.min(Number(parameters.get("bytes")) || 0, MAX_PADDING_BYTES);
    if (n === 0 && bytes > 0) session.setAttribute("padding", "x".repeat(bytes));
    session.setAttribute("n", n + 1);
  }
  const answer = { n: session?.getAttribute("n") ?? 0, route: workerName(session), sessionId: session?.id ?? null };
  send(res, 200, "application/json", JSON.stringify(answer));
}

/** The route in the session's id is the worker that serves it now; without a session, the pod's name is the same. */
function workerName(session) {
  return session?.id.split(".")[1] ?? process.env.POD_NAME ?? "this worker";
}

/** Undefined for a form that is too long: the rest is read without being kept, so that the connection stays good for the answer. */
async function readForm(req) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += chunk.length;
    if (bytes <= MAX_FORM_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_FORM_BYTES ? undefined : new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}

function send(res, status, type, text) {
  res.statusCode = status;
  res.setHeader("Content-Type", `${type}; charset=utf-8`);
  res.setHeader("Content-Length", Buffer.byteLength(text));
  res.setHeader("Cache-Control", "no-store");
  res.end(text);
}
