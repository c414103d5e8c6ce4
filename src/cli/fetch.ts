// tomcat-cluster fetch: an archive from a URL into a folder, as init containers of workers run it for applications[].source.url.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { createGunzip } from "node:zlib";
import { Command } from "commander";
import { asError, systemErrorCode, TomcatClusterError } from "../base/index.ts";
import { numberParser } from "./option-parsers.ts";

interface FetchCommandOptions {
  readonly sha256: string;
  readonly into: string;
  readonly timeout: number;
}

/** Thrown when the archive is not there, not the one that is meant, or none at all. */
class FetchError extends TomcatClusterError {
  readonly code = "FETCH";

  constructor(address: string, reason: string, options?: ErrorOptions) {
    super(`"${address}" cannot be used: ${reason}`, options);
  }
}

const MAX_BYTES = 1024 ** 3;
/** In the folder itself: it is the only one that an init container can write to. */
const ARCHIVE = ".archive.tgz";
const MAX_TOLD = 2000;

export function fetchCommand(): Command {
  return new Command("fetch")
    .description("fetch a .tar.gz, check it, and unpack it into a folder; what was in there goes")
    .argument("<url>", "http or https address")
    .requiredOption("--sha256 <digits>", "checksum of the archive, as sha256sum prints it")
    .requiredOption("--into <dir>", "the folder; an archive of one folder is unpacked without that folder")
    .option("--timeout <seconds>", "for the whole download", numberParser(1, 86_400), 600)
    .action(fetchArchive);
}

async function fetchArchive(address: string, { sha256, into, timeout }: FetchCommandOptions): Promise<void> {
  await mkdir(into, { recursive: true });
  await Promise.all((await readdir(into)).map((name) => rm(join(into, name), { recursive: true })));
  const archive = join(into, ARCHIVE);
  const found = await download(address, archive, AbortSignal.timeout(timeout * 1000));
  if (found !== sha256.toLowerCase()) throw new FetchError(address, `its SHA-256 is ${found}, and ${sha256.toLowerCase()} is expected`);
  await unpack(address, archive, into);
  await rm(archive);
  await liftSingleFolder(into);
}

/** The checksum of what is in the file then. */
async function download(address: string, file: string, signal: AbortSignal): Promise<string> {
  const digest = createHash("sha256");
  let bytes = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      digest.update(chunk);
      if (bytes > MAX_BYTES) done(new Error(`it has more than ${MAX_BYTES} bytes`));
      else done(null, chunk);
    },
  });
  try {
    const response = await fetch(address, { signal });
    if (!response.ok || response.body === null) throw new Error(`the server answers ${response.status}`);
    await pipeline(Readable.fromWeb(response.body as ReadableStream), measured, createWriteStream(file));
  } catch (error) {
    // What went wrong on the way is the cause of fetch's own "fetch failed".
    const { message, cause } = asError(error);
    throw new FetchError(address, cause instanceof Error ? cause.message : message, { cause: error });
  }
  return digest.digest("hex");
}

async function unpack(address: string, archive: string, into: string): Promise<void> {
  const tar = spawn("tar", ["--extract", "--no-same-owner", "--no-same-permissions", "--directory", into], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let told = "";
  tar.stderr.setEncoding("utf8").on("data", (text: string) => {
    told = (told + text).slice(-MAX_TOLD);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    tar.once("error", reject);
    tar.once("close", resolve);
  });
  const [fed, exit] = await Promise.allSettled([pipeline(createReadStream(archive), createGunzip(), tar.stdin), ended]);
  if (exit.status === "rejected")
    throw new FetchError(address, `tar cannot be run: ${asError(exit.reason).message}`, { cause: exit.reason });
  // A tar that gives up breaks the pipe to it, and one whose input breaks off gives up: only zlib tells which came first.
  if (fed.status === "rejected" && systemErrorCode(fed.reason)?.startsWith("Z_")) {
    throw new FetchError(address, `it is no .tar.gz: ${asError(fed.reason).message}`, { cause: fed.reason });
  }
  if (exit.value !== 0) throw new FetchError(address, `tar cannot unpack it: ${told.trim()}`);
}

/** As `npm pack` and source archives have it: everything in one folder. */
async function liftSingleFolder(into: string): Promise<void> {
  const entries = await readdir(into, { withFileTypes: true });
  const [only] = entries;
  if (entries.length !== 1 || !only?.isDirectory()) return;
  // Away first: the folder may hold one of its own name.
  const aside = join(into, ".unpacked");
  await rename(join(into, only.name), aside);
  for (const name of await readdir(aside)) await rename(join(aside, name), join(into, name));
  await rm(aside, { recursive: true });
}
