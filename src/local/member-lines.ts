// Finds, in what a worker logs, the lines that tell how its view of the group changes.

export interface MemberChange {
  readonly event: "memberAdded" | "memberDisappeared";
  /** IPv4 address of the member. */
  readonly address: string;
}

const EVENTS = { "Member added": "memberAdded", "Member disappeared": "memberDisappeared" } as const;
const MEMBER_NAME = /^(?:tcp:\/\/)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/;

/** The change that a log line reports (a JSON object with `msg` and `member`), or undefined for every other line. */
export function memberChange(line: string): MemberChange | undefined {
  // Most lines are none of ours: they are not parsed.
  if (!line.includes('"Member ')) return undefined;
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { msg, member } = entry as { msg?: unknown; member?: unknown };
  if (typeof msg !== "string" || !Object.hasOwn(EVENTS, msg) || typeof member !== "string") return undefined;
  const address = MEMBER_NAME.exec(member)?.[1];
  return address === undefined ? undefined : { event: EVENTS[msg as keyof typeof EVENTS], address };
}
