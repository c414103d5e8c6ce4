// How large a stream may be. Lengths in the data are never trusted: they are compared with the bytes that are there.

export interface StreamLimits {
  /** Nesting of objects; default 500. Higher costs stack, lower refuses long linked structures. */
  readonly maxDepth: number;
  /** Objects, strings, arrays and class descriptors of one stream; default 4 194 304. */
  readonly maxHandles: number;
  /** Bytes of one stream; default 128 MiB. */
  readonly maxBytes: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  maxDepth: 500,
  maxHandles: 4_194_304,
  maxBytes: 134_217_728,
};

export function streamLimits(limits: Partial<StreamLimits> | undefined): StreamLimits {
  return limits === undefined ? DEFAULT_STREAM_LIMITS : { ...DEFAULT_STREAM_LIMITS, ...limits };
}
