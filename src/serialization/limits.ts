// How large a stream may be. Lengths in the data are never trusted: they are compared with the bytes that are there.

export interface StreamLimits {
  /** Nesting of objects; default 1000, which is also the most. Lower saves stack and refuses long linked structures. */
  readonly maxDepth: number;
  /**
   * Objects, strings, arrays and class descriptors of one stream, and what takes memory as they do: runs of block data, many fields,
   * many nulls in a list; default 4 194 304. Each is at most some 300 bytes.
   */
  readonly maxHandles: number;
  /** Bytes of one stream; default 128 MiB. */
  readonly maxBytes: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  maxDepth: 1000,
  maxHandles: 4_194_304,
  maxBytes: 134_217_728,
};

/** So many places in a list, of which a null takes one byte of the stream, take the memory of a handle. */
export const PLACES_OF_A_HANDLE = 8;

/** Half of what the smallest usual stack (984 KiB) was seen to bear. */
const DEEPEST = DEFAULT_STREAM_LIMITS.maxDepth;

export function streamLimits(limits: Partial<StreamLimits> | undefined): StreamLimits {
  if (limits === undefined) return DEFAULT_STREAM_LIMITS;
  const all = { ...DEFAULT_STREAM_LIMITS, ...limits };
  return { ...all, maxDepth: Math.min(all.maxDepth, DEEPEST) };
}
