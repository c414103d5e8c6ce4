export { type CookieAttributes, cookieAttributes, InvalidCookieError, setCookie } from "./cookie.ts";
export type { Exchange, RequestHandler } from "./exchange.ts";
export { type Client, type GatedRequest, type GateOptions, GateRefusal, passGate } from "./http/gate.ts";
export { formatRequestHead } from "./http/request-head.ts";
export { ResponseError } from "./http/response-error.ts";
export type { ResponseHead, WorkerResponseHead } from "./http/response-head.ts";
export { type ExpectedResponse, ResponseParser, type ResponseSink } from "./http/response-parser.ts";
export { type SessionIdOptions, sessionIdsOf } from "./http/session-ids.ts";
export { routeOf, stemOf, withRoute } from "./route.ts";
