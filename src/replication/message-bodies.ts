// The messages that managers send, with the ids and time stamps that Tomcat gives them (ha.md 2).
import { ObjectInputStream, ObjectOutputStream } from "../serialization/index.ts";
import { encodeSessionMessage, SESSION_EVENTS } from "./messages.ts";

/** `timestamp`: the creation time of the session, or the time of sending (see DeltaManager). */
export function sessionCreated(manager: string, id: string, timestamp: number, nowMs: number): Buffer {
  return encode(SESSION_EVENTS.SessionCreated, manager, null, id, `${id}-${nowMs}`, timestamp);
}

export function sessionExpired(manager: string, id: string, nowMs: number): Buffer {
  return encode(SESSION_EVENTS.SessionExpired, manager, null, id, `${id}-EXPIRED-MSG`, nowMs);
}

export function sessionAccessed(manager: string, id: string, nowMs: number): Buffer {
  return encode(SESSION_EVENTS.SessionAccessed, manager, null, id, `${id}-${nowMs}`, nowMs);
}

/** `version`: the one that the delta brings the session to. It stands where Tomcat only looks when it logs. */
export function sessionDelta(manager: string, id: string, delta: Buffer, version: number, nowMs: number): Buffer {
  return encode(SESSION_EVENTS.SessionDelta, manager, delta, id, `${id}-${nowMs}-v${version}`, nowMs);
}

/** `nameNumber`: see DeltaSession. Undefined: the stem stays. */
export function changeSessionId(manager: string, oldId: string, newId: string, nowMs: number, nameNumber?: number): Buffer {
  const uniqueId = nameNumber === undefined ? `${oldId}-${nowMs}` : `${oldId}-${nowMs}-v${nameNumber}`;
  return encode(SESSION_EVENTS.ChangeSessionId, manager, encodeSessionId(newId), oldId, uniqueId, nowMs);
}

export function getAllSessions(manager: string, nowMs: number): Buffer {
  return encode(SESSION_EVENTS.GetAllSessions, manager, null, "GET-ALL", `GET-ALL-${manager}`, nowMs);
}

export function allSessionData(manager: string, states: Buffer, snapshotMs: number): Buffer {
  return encode(SESSION_EVENTS.AllSessionData, manager, states, "SESSION-STATE", `SESSION-STATE-${manager}`, snapshotMs);
}

export function allSessionTransferComplete(manager: string, snapshotMs: number): Buffer {
  const text = "SESSION-STATE-TRANSFERRED";
  return encode(SESSION_EVENTS.AllSessionTransferComplete, manager, null, text, `${text}${manager}`, snapshotMs);
}

/** `starting`: there is a manager, but it waits for state itself. Tomcat does not look at the text in which this stands. */
export function noContextManager(manager: string, starting: boolean): Buffer {
  const uniqueId = `${starting ? STARTING_PREFIX : "NO-CONTEXT-MANAGER-"}${manager}`;
  return encode(SESSION_EVENTS.AllSessionNoContextManager, manager, null, "NO-CONTEXT-MANAGER", uniqueId, undefined);
}

/** Whether the sender of a NO_CONTEXT_MANAGER will have state later. */
export function isStarting(uniqueId: string | null): boolean {
  return uniqueId?.startsWith(STARTING_PREFIX) === true;
}

const STARTING_PREFIX = "STATE-TRANSFER-RUNNING-";

/** The data of a CHANGE_SESSION_ID. */
export function encodeSessionId(id: string): Buffer {
  const output = new ObjectOutputStream();
  output.writeUTF(id);
  return output.toBuffer();
}

/** Throws for malformed data. */
export function decodeSessionId(data: Buffer): string {
  return new ObjectInputStream(data).readUTF();
}

function encode(
  event: number,
  contextName: string,
  data: Buffer | null,
  sessionId: string,
  uniqueId: string,
  timestamp: number | undefined,
): Buffer {
  return encodeSessionMessage({
    event,
    timestamp: timestamp ?? 0,
    timestampSet: timestamp !== undefined,
    contextName,
    data,
    sessionId,
    uniqueId,
  });
}
