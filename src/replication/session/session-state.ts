// The whole of a session, and the bytes in which sessions travel together (ha.md 5; Tomcat: DeltaSession.doWriteObject).
import {
  expectBoolean,
  expectNumber,
  expectString,
  JAVA,
  JavaObject,
  type JavaValue,
  javaBoolean,
  javaInteger,
  javaLong,
  type ObjectInput,
  ObjectInputStream,
  type ObjectOutput,
  ObjectOutputStream,
  UnexpectedShapeError,
  WriteAbortedError,
} from "../../serialization/index.ts";

export interface SessionState {
  readonly id: string;
  /** Milliseconds, the sender's clock, as the next two. */
  readonly creationTime: number;
  /** End of the request before the last. */
  readonly lastAccessedTime: number;
  readonly thisAccessedTime: number;
  /** Seconds. */
  readonly maxInactiveInterval: number;
  readonly isNew: boolean;
  readonly isValid: boolean;
  /** Number of changes, as the sender knows it; 0 from a Tomcat. */
  readonly version: number;
  readonly principal: JavaValue;
  /** The two authentication notes that travel, inert. Null: none. */
  readonly expectedSessionId: JavaValue;
  readonly savedRequest: JavaValue;
  readonly attributes: readonly (readonly [name: string, value: JavaValue])[];
  readonly listeners: readonly JavaValue[];
}

/** Version 0, no principal, no notes: the nine objects and two bytes that a session has at least. */
const LEAST_SESSION_BYTES = 30;

/** One for all copies that have none. */
const NO_LISTENERS: readonly JavaValue[] = [];

/** The data of one ALL_SESSION_DATA. `expectedBytes`: of the result, if somebody knows. */
export function encodeSessionStates(states: readonly SessionState[], expectedBytes?: number): Buffer {
  const output = new ObjectOutputStream(expectedBytes === undefined ? {} : { expectedBytes });
  output.writeObject(javaInteger(states.length));
  for (const state of states) writeSessionState(output, state);
  return output.toBuffer();
}

/** Nothing of the result shares memory with `bytes`. Throws for malformed data, of whichever session. */
export function decodeSessionStates(bytes: Buffer): SessionState[] {
  const input = new ObjectInputStream(bytes);
  const count = expectNumber(input.readObject());
  if (count < 0 || count * LEAST_SESSION_BYTES > bytes.length) {
    throw new UnexpectedShapeError(`sessions that fit into ${bytes.length} bytes`, `${count} sessions`);
  }
  const states: SessionState[] = [];
  for (let index = 0; index < count; index++) states.push(readSessionState(input));
  return states;
}

/** One session's external form; also the custom data of a DeltaSession object (BackupManager). */
export function writeSessionState(output: ObjectOutput, state: SessionState): void {
  output.writeObject(javaLong(state.creationTime));
  output.writeObject(javaLong(state.lastAccessedTime));
  output.writeObject(javaInteger(state.maxInactiveInterval));
  output.writeObject(javaBoolean(state.isNew));
  output.writeObject(javaBoolean(state.isValid));
  output.writeObject(javaLong(state.thisAccessedTime));
  output.writeObject(javaLong(state.version));
  output.writeBoolean(state.principal !== null);
  if (state.principal !== null) output.writeObject(state.principal);
  output.writeObject(state.id);
  output.writeObject(state.expectedSessionId);
  output.writeObject(state.savedRequest);
  output.writeObject(javaInteger(state.attributes.length));
  for (const [name, value] of state.attributes) {
    output.writeObject(name);
    output.writeObject(value);
  }
  output.writeObject(javaInteger(state.listeners.length));
  for (const listener of state.listeners) output.writeObject(listener);
}

/** An attribute or listener that its sender failed to write is left out. Throws UnexpectedShapeError for what is no session. */
export function readSessionState(input: ObjectInput): SessionState {
  const creationTime = expectNumber(input.readObject());
  const lastAccessedTime = expectNumber(input.readObject());
  const maxInactiveInterval = expectNumber(input.readObject());
  const isNew = expectBoolean(input.readObject());
  const isValid = expectBoolean(input.readObject());
  const thisAccessedTime = expectNumber(input.readObject());
  const version = expectNumber(input.readObject());
  const principal = input.readBoolean() ? input.readObject() : null;
  const id = expectString(input.readObject());
  const { expectedSessionId, savedRequest, attributeCount } = readNotes(input);
  const attributes: [string, JavaValue][] = [];
  for (let index = 0; index < attributeCount; index++) {
    const name = expectString(input.readObject());
    const value = readWritten(input);
    if (value !== null) attributes.push([name, value]);
  }
  const listenerCount = expectNumber(input.readObject());
  const listeners = listenerCount > 0 ? readListeners(input, listenerCount) : NO_LISTENERS;
  return {
    id,
    creationTime,
    lastAccessedTime,
    thisAccessedTime,
    maxInactiveInterval,
    isNew,
    isValid,
    version,
    principal,
    expectedSessionId,
    savedRequest,
    attributes,
    listeners,
  };
}

function readListeners(input: ObjectInput, count: number): JavaValue[] {
  const listeners: JavaValue[] = [];
  for (let index = 0; index < count; index++) {
    const listener = readWritten(input);
    if (listener !== null) listeners.push(listener);
  }
  return listeners;
}

/** Tomcat before 9.0.66 writes no notes: an Integer behind the id is the number of attributes, anything else the first note. */
function readNotes(input: ObjectInput): { expectedSessionId: JavaValue; savedRequest: JavaValue; attributeCount: number } {
  const next = input.readObject();
  if (next instanceof JavaObject && next.className === JAVA.integer.name) {
    return { expectedSessionId: null, savedRequest: null, attributeCount: expectNumber(next) };
  }
  const savedRequest = input.readObject();
  return { expectedSessionId: next, savedRequest, attributeCount: expectNumber(input.readObject()) };
}

/** Null for an object that its sender could not write: Tomcat leaves an exception in its place and goes on. */
function readWritten(input: ObjectInput): JavaValue {
  try {
    return input.readObject();
  } catch (error) {
    if (error instanceof WriteAbortedError) return null;
    throw error;
  }
}
