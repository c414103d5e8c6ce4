export type { Exchange, RequestHandler } from "./exchange.ts";
export { routeOf, stemOf, withRoute } from "./route.ts";
