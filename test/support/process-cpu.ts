// CPU time and memory of processes and their children, from /proc.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Kernel ticks per second; fixed at 100 for user space on Linux. */
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

function stat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined; // The process has ended between the listing and the read.
  }
}

function tree(root: number): ProcessStat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => stat(Number(name)))
    .filter((found) => found !== undefined);
  const wanted = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const { pid, parent } of all) {
      if (wanted.has(parent) && !wanted.has(pid)) {
        wanted.add(pid);
        grown = true;
      }
    }
  }
  return all.filter(({ pid }) => wanted.has(pid));
}

/** CPU seconds used so far by the process and its living descendants. */
export function cpuSeconds(root: number): number {
  return tree(root).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/** Proportional set size in MiB of the process and its living descendants: shared pages are counted once. */
export function memoryMiB(root: number): number {
  let kib = 0;
  for (const { pid } of tree(root)) {
    const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"));
    if (match) kib += Number(match[1]);
  }
  return kib / 1024;
}

/** Resident memory in MiB of this process alone. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, "VmRSS");
}

/** The highest that `residentMiB` has been since the process began, or since the last `resetPeak`. */
export function peakResidentMiB(pid: number): number {
  return statusMiB(pid, "VmHWM");
}

export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusMiB(pid: number, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  return Number(match![1]) / 1024;
}
