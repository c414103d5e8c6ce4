// A member inside of a Java object: MemberImpl and StaticMember, whose external form is their member block (tribes.md 5, 6.2).
import {
  AnnotationInput,
  AnnotationOutput,
  type ClassDescriptor,
  describeValue,
  JavaObject,
  type JavaValue,
  TOMCAT,
} from "../../serialization/index.ts";
import type { Member } from "../channel.ts";
import { MalformedMessageError } from "../errors.ts";
import { decodeMember, encodeMember } from "./member-block.ts";

/** A node of its own with every call: within one stream, write the same node for the same member, as Java does. */
export function memberToJava(member: Member, descriptor: ClassDescriptor = TOMCAT.memberImpl): JavaObject {
  const block = encodeMember(member);
  const output = new AnnotationOutput();
  output.writeInt(block.length);
  output.writeBytes(block);
  return new JavaObject(descriptor, [], [...descriptor.hierarchy.slice(1).map(() => undefined), output.toItems()]);
}

/** Throws MalformedMessageError, or a serialization error for an external form that is cut. */
export function memberFromJava(value: JavaValue): Member {
  if (!(value instanceof JavaObject) || !value.descriptor.isA(TOMCAT.memberImpl.name)) {
    throw new MalformedMessageError(`A "${describeValue(value)}" stands where a member is expected`);
  }
  const input = new AnnotationInput(value.annotation());
  return decodeMember(input.readBytes(input.readInt()));
}
