// What the commands `npm run bench…` share: whether channels are encrypted, which program runs, on what machine.
import { spawnSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import type { ChannelEncryption } from "../support/encrypted-interceptors.ts";

export const ENCRYPTION: ChannelEncryption = { algorithm: "AES/GCM/NoPadding", key: "00112233445566778899aabbccddeeff".repeat(2) };

/** Without and with encryption, as `--encryption off|on|both` says. */
export function encryptionsToMeasure(option: string): readonly boolean[] {
  if (!["off", "on", "both"].includes(option)) throw new Error(`--encryption is off, on or both, not "${option}"`);
  return [false, true].filter((encrypted) => option === "both" || encrypted === (option === "on"));
}

/** A whole number above 0. */
export function numberOption(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is a number from 1, not "${text}"`);
  return value;
}

/** Compiles src/ to dist/, which is what people run. */
export function build(): void {
  const { status } = spawnSync("npm", ["run", "build"], { stdio: "inherit" });
  if (status !== 0) throw new Error("The build failed");
}

export function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}
