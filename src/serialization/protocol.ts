// Constants of the Java Object Serialization stream protocol, version 5.

export const STREAM_HEADER = 0xaced0005;

export const TC = {
  NULL: 0x70,
  REFERENCE: 0x71,
  CLASSDESC: 0x72,
  OBJECT: 0x73,
  STRING: 0x74,
  ARRAY: 0x75,
  CLASS: 0x76,
  BLOCKDATA: 0x77,
  ENDBLOCKDATA: 0x78,
  RESET: 0x79,
  BLOCKDATALONG: 0x7a,
  EXCEPTION: 0x7b,
  LONGSTRING: 0x7c,
  PROXYCLASSDESC: 0x7d,
  ENUM: 0x7e,
} as const;

/** Handles on the wire start here. */
export const BASE_HANDLE = 0x7e0000;

/** Java buffers block data up to this length: the longest record it writes. */
export const MAX_BLOCK_BYTES = 1024;

/** Flags of a class descriptor. */
export const SC = {
  WRITE_METHOD: 0x01,
  SERIALIZABLE: 0x02,
  EXTERNALIZABLE: 0x04,
  BLOCK_DATA: 0x08,
  ENUM: 0x10,
} as const;
