// One session as a Java object: the value of a replicated map (Tomcat: DeltaSession.writeExternal; ha.md 11).
import {
  AnnotationInput,
  AnnotationOutput,
  describeValue,
  JavaObject,
  ObjectInputStream,
  ObjectOutputStream,
  type SuidTable,
  TOMCAT,
  UnexpectedShapeError,
} from "../../serialization/index.ts";
import { readSessionState, type SessionState, writeSessionState } from "./session-state.ts";

/** One object stream. `suids`: the classes as the group's Tomcats have them. */
export function encodeSessionObject(state: SessionState, suids: SuidTable): Buffer {
  const custom = new AnnotationOutput();
  writeSessionState(custom, state);
  const { deltaSession } = TOMCAT;
  const annotations = [...deltaSession.hierarchy.slice(1).map(() => undefined), custom.toItems()];
  const stream = new ObjectOutputStream({ suids });
  stream.writeObject(new JavaObject(deltaSession, [], annotations));
  return stream.toBuffer();
}

/** Nothing of the result shares memory with `bytes`. Throws for malformed data, and for what is no session. */
export function decodeSessionObject(bytes: Buffer): SessionState {
  const object = new ObjectInputStream(bytes).readObject();
  if (!(object instanceof JavaObject) || !object.descriptor.isA(TOMCAT.deltaSession.name)) {
    throw new UnexpectedShapeError("a DeltaSession", describeValue(object));
  }
  return readSessionState(new AnnotationInput(object.annotation(TOMCAT.deltaSession.name)));
}
