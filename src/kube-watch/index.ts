export { ApiServer, type ApiServerOptions } from "./api-server.ts";
export type { KubeObject, ListWatch, Selection, WatchListener } from "./list-watch.ts";
