// What members of a configuration say to each other (Tomcat: StaticMembershipProvider.MemberMessage; tribes.md 11.2).
import { JAVA, JavaArray, JavaObject, type JavaValue, javaObject, TOMCAT } from "../../serialization/index.ts";
import type { Member } from "../channel.ts";
import { MalformedMessageError } from "../errors.ts";
import { memberFromJava, memberToJava } from "../wire/member-object.ts";

export type MemberMessageKind = "Start" | "Stop" | "Ping";

export interface MemberMessage {
  readonly kind: MemberMessageKind;
  /** Who speaks, alive time fresh. */
  readonly member: Member;
  /** Name of the membership, ISO-8859-1. */
  readonly membershipId: string;
}

const TYPES: Readonly<Record<MemberMessageKind, number>> = { Start: 1, Stop: 2, Ping: 3 };

/** As `ReceivedMessage.className` gives it. */
export const MEMBER_MESSAGE_CLASS: string = TOMCAT.memberMessage.name;

export function memberMessageToJava({ kind, member, membershipId }: MemberMessage): JavaObject {
  return javaObject(TOMCAT.memberMessage, {
    msgtype: TYPES[kind],
    member: memberToJava(member, TOMCAT.staticMember),
    membershipId: new JavaArray(JAVA.byteArray, Buffer.from(membershipId, "latin1")),
  });
}

/** Throws MalformedMessageError, or a serialization error. */
export function memberMessageFromJava(value: JavaValue): MemberMessage {
  if (!(value instanceof JavaObject) || value.className !== MEMBER_MESSAGE_CLASS) {
    throw new MalformedMessageError("The object is no MemberMessage");
  }
  const type = value.number("msgtype");
  const kind = (Object.keys(TYPES) as MemberMessageKind[]).find((candidate) => TYPES[candidate] === type);
  if (kind === undefined) throw new MalformedMessageError(`There is no MemberMessage of type ${type}`);
  const member = value.field("member");
  if (!(member instanceof JavaObject)) throw new MalformedMessageError("A MemberMessage has no member");
  return { kind, member: memberFromJava(member), membershipId: (value.bytes("membershipId") ?? Buffer.alloc(0)).toString("latin1") };
}
