export { InvalidUrlError } from "./errors.ts";
export { reportText } from "./report-text.ts";
export { type Verification, type VerifyDeps, verifyWorkers } from "./verify-workers.ts";
