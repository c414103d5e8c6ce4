export { StartAbortedError } from "./errors.ts";
export { MissingConfigurationError } from "./read-configuration.ts";
export { Worker, type WorkerDeps, type WorkerOptions } from "./worker.ts";
