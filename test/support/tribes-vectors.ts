// The recorded bytes of real Tomcats in test/wire/tribes, with what they mean.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChannelMessage } from "../../src/channel/channel.ts";
import { ChannelDataDecoder } from "../../src/channel/wire/channel-data.ts";
import { FrameDecoder } from "../../src/channel/wire/frame.ts";

const FOLDER = join(import.meta.dirname, "..", "wire", "tribes");

export interface TribesVector {
  readonly name: string;
  readonly file: string;
  readonly what: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly expected: Readonly<Record<string, unknown>>;
}

export const tribesVectors: readonly TribesVector[] = JSON.parse(readFileSync(join(FOLDER, "INDEX.json"), "utf8")).vectors;

/** What the one frame of a vector carries. */
export function messageOfVector(name: string): ChannelMessage {
  const { bytes } = tribesVector(name);
  const frames = new FrameDecoder(bytes.length);
  frames.push(bytes);
  return new ChannelDataDecoder().decode(frames.next()!);
}

export function tribesVector(name: string): { readonly bytes: Buffer; readonly expected: Readonly<Record<string, unknown>> } {
  const vector = tribesVectors.find((candidate) => candidate.name === name);
  if (!vector) throw new Error(`There is no vector "${name}" in test/wire/tribes`);
  return { bytes: readFileSync(join(FOLDER, vector.file)), expected: vector.expected };
}
