// Which class name of the configuration stands for which interceptor. To add one: its file, and a line here.
import type { Clock, Logger, Random } from "../../base/index.ts";
import type { AttributeValue, ComponentConfig } from "../../config/index.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import type { ChannelInterceptor } from "../interceptor.ts";
import { configuredMembers } from "../membership/configured-member.ts";
import { InterceptorOrderError, UnknownInterceptorError } from "../stack-errors.ts";
import type { Sockets } from "../transport/sockets.ts";
import { byteString } from "../wire/byte-string.ts";
import { DomainFilterInterceptor } from "./domain-filter-interceptor.ts";
import { EncryptInterceptor } from "./encrypt-interceptor.ts";
import { KeyFolder } from "./encryption/key-folder.ts";
import { fixedKey, type KeySource } from "./encryption/key-ring.ts";
import { ENCRYPTION_ALGORITHMS } from "./encryption/message-cipher.ts";
import { FragmentationInterceptor } from "./fragmentation-interceptor.ts";
import { GzipInterceptor } from "./gzip-interceptor.ts";
import { MessageDispatchInterceptor } from "./message-dispatch-interceptor.ts";
import { NonBlockingCoordinator } from "./non-blocking-coordinator.ts";
import { OrderInterceptor } from "./order-interceptor.ts";
import { SimpleCoordinator } from "./simple-coordinator.ts";
import { StaticMembershipInterceptor } from "./static-membership-interceptor.ts";
import { TcpFailureDetector } from "./tcp-failure-detector.ts";
import { TcpPingInterceptor } from "./tcp-ping-interceptor.ts";
import { TcpProbe } from "./tcp-probe.ts";
import { ThroughputInterceptor } from "./throughput-interceptor.ts";
import { TwoPhaseCommitInterceptor } from "./two-phase-commit-interceptor.ts";

/** What interceptors are made of; each takes what it needs. */
export interface InterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ChannelMetrics;
  readonly random: Random;
  /** Bytes of the largest message that the receiver takes: no layer makes a larger one of what it receives. */
  readonly maxFrameBytes: number;
  /** The Transport's `timeout`: whoever sends a message gives it up after so long. */
  readonly sendTimeoutMs: number;
  /** Default: those of node:net. */
  readonly sockets?: Sockets;
}

export interface InterceptorEntry {
  create(deps: InterceptorDeps, attributes: ComponentConfig["attributes"], config: ComponentConfig): ChannelInterceptor;
  /** Simple names of interceptors that must stand below this one when both are there. */
  readonly mustBeAbove?: readonly string[];
  /** Nothing may stand below it. */
  readonly lowest?: true;
}

/** By simple name. */
export type InterceptorTable = Readonly<Record<string, InterceptorEntry>>;

/** What changes or holds each body: neither probes, which are plain, nor what strangers send may get there. */
const ABOVE_ENCRYPTION_AND_PROBES = ["EncryptInterceptor", "TcpFailureDetector"];
const PACKAGE = "org.apache.catalina.tribes.group.interceptors.";
const FLUSH_TIMEOUT_MS = 5000;
/** For a member that only others know: then they may have more to say. */
const COORDINATION_TIMEOUT_MS = 15_000;

const messageDispatch: InterceptorEntry = {
  create: (deps, attributes) =>
    new MessageDispatchInterceptor(deps, {
      maxQueueSize: numberOf(attributes, "maxQueueSize"),
      alwaysSend: booleanOf(attributes, "alwaysSend"),
      flushTimeoutMs: FLUSH_TIMEOUT_MS,
    }),
};

export const INTERCEPTORS: InterceptorTable = {
  MessageDispatchInterceptor: messageDispatch,
  /** History: Tomcat 8.5 renamed it. */
  MessageDispatch15Interceptor: messageDispatch,
  EncryptInterceptor: {
    create: (deps, attributes) =>
      new EncryptInterceptor(
        { ...deps, keys: keysOf(attributes) },
        {
          algorithm: choiceOf(attributes, "encryptionAlgorithm", ENCRYPTION_ALGORITHMS),
          replayWindowMs: numberOf(attributes, "replayWindowTime"),
          replayWindowMessageCount: numberOf(attributes, "replayWindowMessageCount"),
        },
      ),
    /** Its probes are plain, as a Tomcat's. */
    mustBeAbove: ["TcpFailureDetector"],
  },
  DomainFilterInterceptor: {
    create: (deps, attributes) =>
      new DomainFilterInterceptor(deps, {
        domain: byteString(textOf(attributes, "domain")),
        logInterval: numberOf(attributes, "logInterval"),
      }),
  },
  FragmentationInterceptor: {
    create: (deps, attributes) =>
      new FragmentationInterceptor(deps, {
        optionFlag: numberOf(attributes, "optionFlag"),
        maxSize: numberOf(attributes, "maxSize"),
        expireMs: numberOf(attributes, "expire"),
        maxFrameBytes: deps.maxFrameBytes,
      }),
    mustBeAbove: ABOVE_ENCRYPTION_AND_PROBES,
  },
  GzipInterceptor: {
    create: (deps, attributes) =>
      new GzipInterceptor(deps, {
        optionFlag: numberOf(attributes, "optionFlag"),
        compressionMinSize: numberOf(attributes, "compressionMinSize"),
        statsEnabled: booleanOf(attributes, "statsEnabled"),
        interval: numberOf(attributes, "interval"),
        maxFrameBytes: deps.maxFrameBytes,
      }),
    mustBeAbove: ["EncryptInterceptor"],
  },
  NonBlockingCoordinator: {
    create: (deps) => {
      const connection = { connectTimeoutMs: COORDINATION_TIMEOUT_MS, readTestTimeoutMs: COORDINATION_TIMEOUT_MS };
      const probe = new TcpProbe(deps, { ...connection, performSendTest: true, performReadTest: true });
      return new NonBlockingCoordinator({ ...deps, probe });
    },
    mustBeAbove: ABOVE_ENCRYPTION_AND_PROBES,
  },
  OrderInterceptor: {
    create: (deps, attributes) =>
      new OrderInterceptor(deps, {
        optionFlag: numberOf(attributes, "optionFlag"),
        // A sender that gave a message up meanwhile would close its connection, and what is lost with that would be waited for in turn, forever.
        expireMs: Math.min(numberOf(attributes, "expire"), deps.sendTimeoutMs / 2),
        forwardExpired: booleanOf(attributes, "forwardExpired"),
        maxQueue: numberOf(attributes, "maxQueue"),
        maxFrameBytes: deps.maxFrameBytes,
      }),
    mustBeAbove: ABOVE_ENCRYPTION_AND_PROBES,
  },
  SimpleCoordinator: {
    create: (deps) => new SimpleCoordinator(deps),
    mustBeAbove: ["TcpFailureDetector"],
  },
  StaticMembershipInterceptor: {
    create: (deps, attributes, { staticMembers }) =>
      new StaticMembershipInterceptor(deps, {
        ...configuredMembers(staticMembers ?? { members: [] }),
        optionFlag: numberOf(attributes, "optionFlag"),
      }),
    lowest: true,
  },
  TcpFailureDetector: {
    create: (deps, attributes) =>
      new TcpFailureDetector(
        {
          ...deps,
          probe: new TcpProbe(deps, {
            connectTimeoutMs: numberOf(attributes, "connectTimeout"),
            performSendTest: booleanOf(attributes, "performSendTest"),
            performReadTest: booleanOf(attributes, "performReadTest"),
            readTestTimeoutMs: numberOf(attributes, "readTestTimeout"),
          }),
        },
        { removeSuspectsTimeoutMs: numberOf(attributes, "removeSuspectsTimeout") * 1000 },
      ),
  },
  TcpPingInterceptor: {
    create: (deps, attributes) =>
      new TcpPingInterceptor(deps, {
        optionFlag: numberOf(attributes, "optionFlag"),
        intervalMs: numberOf(attributes, "interval"),
        useThread: booleanOf(attributes, "useThread"),
      }),
  },
  ThroughputInterceptor: {
    create: (deps, attributes) => new ThroughputInterceptor(deps, { interval: numberOf(attributes, "interval") }),
  },
  TwoPhaseCommitInterceptor: {
    create: (deps, attributes) =>
      new TwoPhaseCommitInterceptor(deps, {
        optionFlag: numberOf(attributes, "optionFlag"),
        expireMs: numberOf(attributes, "expire"),
        maxFrameBytes: deps.maxFrameBytes,
      }),
    /**
     * The first: it has to know when the confirmation of an asynchronous message is written. The second: confirmations do not leave in
     * the order of the messages; what they hand up would wait for messages whose confirmations are behind them.
     */
    mustBeAbove: ["MessageDispatchInterceptor", "OrderInterceptor", ...ABOVE_ENCRYPTION_AND_PROBES],
  },
};

/**
 * The interceptors of a configuration, top first. Class names are Tomcat's, with or without their package. Throws
 * UnknownInterceptorError, which lists the known ones, InterceptorOrderError, both with the place in the file, and EncryptionKeyError.
 */
export function createInterceptors(
  deps: InterceptorDeps,
  configs: readonly ComponentConfig[],
  table: InterceptorTable = INTERCEPTORS,
): ChannelInterceptor[] {
  const entries = configs.map((config) => entryOf(config, table));
  entries.forEach((entry, index) => {
    checkPlace(entry, index, entries, configs, table);
  });
  return entries.map((entry, index) =>
    entry.create(
      { ...deps, logger: deps.logger.child({ component: simpleName(configs[index]!) }) },
      configs[index]!.attributes,
      configs[index]!,
    ),
  );
}

function entryOf(config: ComponentConfig, table: InterceptorTable): InterceptorEntry {
  const name = simpleName(config);
  const entry = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!entry) throw new UnknownInterceptorError(config.className, Object.keys(table), placeOf(config));
  return entry;
}

function checkPlace(
  entry: InterceptorEntry,
  index: number,
  entries: readonly InterceptorEntry[],
  configs: readonly ComponentConfig[],
  table: InterceptorTable,
): void {
  const config = configs[index]!;
  if (entries.indexOf(entry) !== index) {
    throw new InterceptorOrderError(`"${simpleName(config)}" stands in this Channel already: remove one of them`, placeOf(config));
  }
  if (entry.lowest && index < entries.length - 1) {
    throw new InterceptorOrderError(`"${simpleName(config)}" must stand below all others: move it to the end`, placeOf(config));
  }
  for (const lower of entry.mustBeAbove ?? []) {
    if (entries.slice(0, index).includes(table[lower]!)) {
      throw new InterceptorOrderError(`"${simpleName(config)}" must stand above "${lower}": move it up`, placeOf(config));
    }
  }
}

function simpleName(config: ComponentConfig): string {
  return config.className.startsWith(PACKAGE) ? config.className.slice(PACKAGE.length) : config.className;
}

function placeOf({ location }: ComponentConfig): string {
  return `${location.file}:${location.line}:${location.column}`;
}

/** `config` fills in every attribute: one that is missing here is a mistake of the two tables, not of the user. */
function numberOf(attributes: Readonly<Record<string, AttributeValue>>, name: string): number {
  const value = attributes[name];
  if (typeof value !== "number") throw new TypeError(`Interceptor attribute "${name}" is no number: config has to give it a default`);
  return value;
}

function textOf(attributes: Readonly<Record<string, AttributeValue>>, name: string): string {
  const value = attributes[name];
  if (typeof value !== "string") throw new TypeError(`Interceptor attribute "${name}" is no text: config has to give it a default`);
  return value;
}

function booleanOf(attributes: Readonly<Record<string, AttributeValue>>, name: string): boolean {
  const value = attributes[name];
  if (typeof value !== "boolean") throw new TypeError(`Interceptor attribute "${name}" is no boolean: config has to give it a default`);
  return value;
}

function choiceOf<Choice extends string>(
  attributes: Readonly<Record<string, AttributeValue>>,
  name: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((candidate) => candidate === attributes[name]);
  if (choice === undefined) throw new TypeError(`Interceptor attribute "${name}" has no known value: config has to refuse others`);
  return choice;
}

function keysOf({ encryptionKey, encryptionKeyDirectory }: Readonly<Record<string, AttributeValue>>): KeySource {
  if (typeof encryptionKeyDirectory === "string" && encryptionKeyDirectory !== "") return new KeyFolder(encryptionKeyDirectory);
  if (typeof encryptionKey === "string") return fixedKey("encryptionKey", encryptionKey);
  throw new TypeError("An EncryptInterceptor has no key: config has to refuse that");
}
