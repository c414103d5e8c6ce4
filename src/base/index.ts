export { type BackOff, backOffMs, fraction } from "./back-off.ts";
export { ByteReader, UnexpectedEndError } from "./byte-reader.ts";
export { ByteWriter } from "./byte-writer.ts";
export { type Clock, delay, systemClock, type Timer } from "./clock.ts";
export { closestName } from "./closest-name.ts";
export { asError, fileErrorReason, systemErrorCode, TomcatClusterError } from "./errors.ts";
export { favourMemory, limitHeapGrowth } from "./heap-growth.ts";
export { type Lifecycle, LifecycleGroup } from "./lifecycle.ts";
export { LineTooLongError, readLines } from "./lines.ts";
export { LogOutput } from "./log-output.ts";
export { createLogger, LOG_LEVELS, type Logger, type LoggerOptions, type LogLevel, silentLogger } from "./logger.ts";
export { Counter, createProcessRegistry, Gauge, Histogram, Registry, sharedMetric } from "./metrics.ts";
export {
  type AddressFamily,
  DnsNameResolver,
  type DnsNameResolverOptions,
  DnsServerAddressError,
  type LookUp,
  type NameResolver,
  type ServiceRecord,
} from "./name-resolver.ts";
export { NODE_FLAGS } from "./node-flags.ts";
export { type Random, systemRandom } from "./random.ts";
export { TalliedCounter, type Tally } from "./tallied-counter.ts";
