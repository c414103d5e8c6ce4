// Descriptors of the classes that are written here (tribes.md 6.2; java.* as Java 17 writes them).
import { ClassDescriptor } from "./class-descriptor.ts";
import { descriptorPool } from "./descriptor-pool.ts";
import { SC } from "./protocol.ts";

const SERIALIZABLE = SC.SERIALIZABLE;
const WITH_WRITE_METHOD = SC.SERIALIZABLE | SC.WRITE_METHOD;
const EXTERNALIZABLE = SC.EXTERNALIZABLE | SC.BLOCK_DATA;
const ENUM = SC.SERIALIZABLE | SC.ENUM;
const STRING = "Ljava/lang/String;";
const TRIBES = "org.apache.catalina.tribes";
const HA = "org.apache.catalina.ha";

/**
 * A descriptor of our own making, interned. `fields` are name and signature in stream order: primitives sorted by name, then
 * objects and arrays sorted by name.
 */
export function defineClass(
  name: string,
  suid: bigint,
  flags: number,
  fields: Readonly<Record<string, string>> = {},
  superDescriptor?: ClassDescriptor,
): ClassDescriptor {
  const descriptors = Object.entries(fields).map(([field, signature]) => ({
    name: field,
    signature,
    typeCode: signature.charCodeAt(0),
  }));
  return descriptorPool.intern(new ClassDescriptor(name, BigInt.asIntN(64, suid), flags, descriptors, superDescriptor));
}

const number = defineClass("java.lang.Number", 0x86ac951d0b94e08bn, SERIALIZABLE);
const hashMap = defineClass("java.util.HashMap", 0x0507dac1c31660d1n, WITH_WRITE_METHOD, { loadFactor: "F", threshold: "I" });
const hashSet = defineClass("java.util.HashSet", 0xba44859596b8b734n, WITH_WRITE_METHOD);
const memberImpl = defineClass(`${TRIBES}.membership.MemberImpl`, 0x8476f37b32953667n, EXTERNALIZABLE);
const rpcMessage = defineClass(`${TRIBES}.group.RpcMessage`, 0x712a750ff274e509n, EXTERNALIZABLE);
const clusterMessageBase = defineClass(`${HA}.ClusterMessageBase`, 1n, SERIALIZABLE, { timestamp: "J" });
const enumBase = defineClass("java.lang.Enum", 0n, ENUM);
const standardSession = defineClass("org.apache.catalina.session.StandardSession", 1n, SERIALIZABLE, {
  creationTime: "J",
  isNew: "Z",
  isValid: "Z",
  lastAccessedTime: "J",
  maxInactiveInterval: "I",
  thisAccessedTime: "J",
  attributes: "Ljava/util/concurrent/ConcurrentMap;",
  id: STRING,
});

/** java.lang, java.math and java.util classes that JavaScript values become. */
export const JAVA = {
  number,
  integer: defineClass("java.lang.Integer", 0x12e2a0a4f7818738n, SERIALIZABLE, { value: "I" }, number),
  long: defineClass("java.lang.Long", 0x3b8be490cc8f23dfn, SERIALIZABLE, { value: "J" }, number),
  short: defineClass("java.lang.Short", 0x684d37133460da52n, SERIALIZABLE, { value: "S" }, number),
  byte: defineClass("java.lang.Byte", 0x9c4e6084ee50f51cn, SERIALIZABLE, { value: "B" }, number),
  float: defineClass("java.lang.Float", 0xdaedc9a2db3cf0ecn, SERIALIZABLE, { value: "F" }, number),
  double: defineClass("java.lang.Double", 0x80b3c24a296bfb04n, SERIALIZABLE, { value: "D" }, number),
  boolean: defineClass("java.lang.Boolean", 0xcd207280d59cfaeen, SERIALIZABLE, { value: "Z" }),
  character: defineClass("java.lang.Character", 0x348b47d96b1a2678n, SERIALIZABLE, { value: "C" }),
  bigInteger: defineClass(
    "java.math.BigInteger",
    0x8cfc9f1fa93bfb1dn,
    WITH_WRITE_METHOD,
    { bitCount: "I", bitLength: "I", firstNonzeroByteNum: "I", lowestSetBit: "I", signum: "I", magnitude: "[B" },
    number,
  ),
  date: defineClass("java.util.Date", 0x686a81014b597419n, WITH_WRITE_METHOD),
  arrayList: defineClass("java.util.ArrayList", 0x7881d21d99c7619dn, WITH_WRITE_METHOD, { size: "I" }),
  hashMap,
  linkedHashMap: defineClass("java.util.LinkedHashMap", 0x34c04e5c106cc0fbn, SERIALIZABLE, { accessOrder: "Z" }, hashMap),
  hashSet,
  linkedHashSet: defineClass("java.util.LinkedHashSet", 0xd86cd75a95dd2a1en, SERIALIZABLE, {}, hashSet),
  byteArray: defineClass("[B", 0xacf317f8060854e0n, SERIALIZABLE),
  stringArray: defineClass("[Ljava.lang.String;", 0xadd256e7e91d7b47n, SERIALIZABLE),
  objectArray: defineClass("[Ljava.lang.Object;", 0x90ce589f1073296cn, SERIALIZABLE),
} as const;

/** Classes of Apache Tomcat 10.1's messages. The SUIDs of the Externalizable ones are computed: SuidTable learns others. */
export const TOMCAT = {
  memberImpl,
  staticMember: defineClass(`${TRIBES}.membership.StaticMember`, 0xa32603887eb6b8a1n, EXTERNALIZABLE, {}, memberImpl),
  memberArray: defineClass(`[L${TRIBES}.Member;`, 0x5ec4606b842d393cn, SERIALIZABLE),
  rpcMessage,
  noRpcChannelReply: defineClass(`${TRIBES}.group.RpcMessage$NoRpcChannelReply`, 0x7bab8fb36a4b5ba6n, EXTERNALIZABLE, {}, rpcMessage),
  byteMessage: defineClass(`${TRIBES}.ByteMessage`, 0x7f57970a7babe10dn, EXTERNALIZABLE),
  mapMessage: defineClass(`${TRIBES}.tipis.AbstractReplicatedMap$MapMessage`, 1n, SERIALIZABLE, {
    diff: "Z",
    msgtype: "I",
    diffvalue: "[B",
    keydata: "[B",
    mapId: "[B",
    nodes: `[L${TRIBES.replaceAll(".", "/")}/Member;`,
    primary: `L${TRIBES.replaceAll(".", "/")}/Member;`,
    valuedata: "[B",
  }),
  mapState: defineClass(`${TRIBES}.tipis.AbstractReplicatedMap$State`, 0n, ENUM, {}, enumBase),
  memberMessage: defineClass(`${TRIBES}.membership.StaticMembershipProvider$MemberMessage`, 1n, SERIALIZABLE, {
    msgtype: "I",
    member: `L${TRIBES.replaceAll(".", "/")}/Member;`,
    membershipId: "[B",
  }),
  sessionMessage: defineClass(
    `${HA}.session.SessionMessageImpl`,
    2n,
    SERIALIZABLE,
    {
      mEvtType: "I",
      serializationTimestamp: "J",
      timestampSet: "Z",
      mContextName: STRING,
      mSession: "[B",
      mSessionID: STRING,
      uniqueId: STRING,
    },
    clusterMessageBase,
  ),
  deltaSession: defineClass(`${HA}.session.DeltaSession`, 0x041d33b9b82ea975n, EXTERNALIZABLE, {}, standardSession),
  serializablePrincipal: defineClass("org.apache.catalina.realm.GenericPrincipal$SerializablePrincipal", 1n, SERIALIZABLE, {
    attributes: "Ljava/util/Map;",
    name: STRING,
    principal: "Ljava/security/Principal;",
    roles: "[Ljava/lang/String;",
  }),
} as const;
