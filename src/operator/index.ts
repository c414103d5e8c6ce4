export { type OperatorProcessOptions, operatorProcess } from "./operator-process.ts";
export { REASONS, type Reason } from "./status/reasons.ts";
