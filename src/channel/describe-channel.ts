// A channel as plain data, for pages.
import type { Member } from "./channel.ts";
import type { MemberKind } from "./hello.ts";
import type { KeyRingDescription } from "./interceptors/encryption/key-ring.ts";
import type { MemberTraffic } from "./member-metrics.ts";

export interface MemberDescription {
  readonly name: string;
  readonly uniqueId: string;
  /** `Suspect`: listed, but does not answer; it gets no messages. */
  readonly state: "Alive" | "Suspect";
  /** Undefined until the member has answered a hello. */
  readonly kind: MemberKind | undefined;
  /** Milliseconds since its last message; undefined when it has sent none. */
  readonly lastHeardMs: number | undefined;
  /** Bytes of frames that wait for its socket or its acknowledgement. */
  readonly queueBytes: number;
  /** What it has announced about itself, ISO-8859-1; absent where that is nothing. */
  readonly domain?: string;
  /** Hexadecimal; absent where it has announced none. */
  readonly payload?: string;
  /** Absent where nobody counts. */
  readonly traffic?: MemberTraffic;
}

/** What has passed between an interceptor and the layers above it. */
export interface InterceptorDescription {
  readonly name: string;
  readonly sentMessages: number;
  readonly receivedMessages: number;
}

/**
 * The keys of this member, by which one sees whether all have made a step of a rotation (rule 21): the new key is to be named in
 * `sending` only when every member accepts it, and the old one to be removed only when no member sends with it.
 */
export interface EncryptionDescription extends KeyRingDescription {
  readonly algorithm: string;
  /** Messages by which copies are recognised, of all senders. */
  readonly rememberedMessages: number;
  /** Milliseconds since the keys were last read. */
  readonly lastReadMs: number;
  /** Why they could not be read the last time, when those above are older than the files; undefined: they could. */
  readonly failure: string | undefined;
}

/** What a GzipInterceptor has done, by the names of Tomcat's MBean: messages and bytes of bodies, TX sent and RX received. */
export interface CompressionDescription {
  readonly count: number;
  readonly countCompressedTX: number;
  readonly countUncompressedTX: number;
  readonly countCompressedRX: number;
  readonly countUncompressedRX: number;
  /** Before compression. */
  readonly sizeTX: number;
  /** After it, of those that were compressed. */
  readonly compressedSizeTX: number;
  readonly uncompressedSizeTX: number;
  /** Inflated. */
  readonly sizeRX: number;
  readonly compressedSizeRX: number;
  readonly uncompressedSizeRX: number;
}

/** What has passed a ThroughputInterceptor, by the figures of Tomcat's report. */
export interface ThroughputDescription {
  readonly sentMessages: number;
  /** Whole frames, once for each member that they were sent to. */
  readonly sentMiB: number;
  /** The same, once for each message. */
  readonly applicationMiB: number;
  /** In which at least one message was on its way. */
  readonly sendingSeconds: number;
  readonly sentMiBPerSecond: number;
  readonly applicationMiBPerSecond: number;
  readonly failedMessages: number;
  readonly receivedMessages: number;
  /** Since the first one. */
  readonly receivedMiBPerSecond: number;
  readonly receivedMiB: number;
}

/** What a NonBlockingCoordinator or a SimpleCoordinator says; the same on every member when nothing changes. */
export interface CoordinationDescription {
  /** Name of the member that leads; undefined before the first view. */
  readonly coordinator: string | undefined;
  /** Whether that is the local one. */
  readonly isCoordinator: boolean;
  /** Names in absolute order, the local one among them. */
  readonly view: readonly string[];
  /** Hexadecimal, the same wherever this view was installed; undefined without an election. */
  readonly viewId: string | undefined;
}

export interface ChannelDescription {
  /** Undefined while the channel does not run. */
  readonly localMember: string | undefined;
  /** Whether the others can find this one; undefined while nobody could tell. */
  readonly listsLocalMember: boolean | undefined;
  readonly members: readonly MemberDescription[];
  /** Top first. */
  readonly interceptors: readonly InterceptorDescription[];
  /** Absent where messages are not encrypted. */
  readonly encryption?: EncryptionDescription;
  /** Absent without a GzipInterceptor that keeps statistics. */
  readonly compression?: CompressionDescription;
  /** Absent without a coordinator among the interceptors. */
  readonly coordination?: CoordinationDescription;
  /** Absent without a ThroughputInterceptor. */
  readonly throughput?: ThroughputDescription;
}

export function describeMember(
  member: Member,
  state: MemberDescription["state"],
  kind: MemberKind | undefined,
  lastHeardMs: number | undefined,
  queueBytes: number,
  traffic: MemberTraffic | undefined,
): MemberDescription {
  return {
    name: member.name,
    uniqueId: member.uniqueId.toString("hex"),
    state,
    kind,
    lastHeardMs: lastHeardMs === undefined ? undefined : Math.round(lastHeardMs),
    queueBytes,
    ...(member.domain.length === 0 ? {} : { domain: member.domain.toString("latin1") }),
    ...(member.payload.length === 0 ? {} : { payload: member.payload.toString("hex") }),
    ...(traffic === undefined ? {} : { traffic }),
  };
}
