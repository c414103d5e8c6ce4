export { type CookieAttributes, cookieAttributes, InvalidCookieError, setCookie } from "./cookie.ts";
export type { Exchange, RequestHandler } from "./exchange.ts";
export { type Client, type GatedRequest, type GateOptions, GateRefusal, passGate } from "./http/gate.ts";
export { type ResponseHead, readResponseHead } from "./http/response-head.ts";
export { type SessionIdOptions, sessionIdsOf } from "./http/session-ids.ts";
export { routeOf, stemOf, withRoute } from "./route.ts";
