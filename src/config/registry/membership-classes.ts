// Who the members of a channel are (tribes.md 11).
import type { TextForm } from "../attribute-type.ts";
import { CLASS_NAMES } from "../class-names.ts";
import type { ClassEntry } from "./entry.ts";
import { boolean, choice, history, ignored, integer, later, text, works } from "./entry.ts";

const TRIBES = "org.apache.catalina.tribes.";
const MAX = 2_147_483_647;

export const CLUSTER_LOG = "there is no separate cluster log";
const BYTE = "(-128|-?(12[0-7]|1[01]\\d|\\d{1,2}))";
const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ADDRESS = `${OCTET}(\\.${OCTET}){3}|[0-9a-fA-F.]*:[0-9a-fA-F:.]*`;

/** A byte string, as a domain. */
export const BYTES: TextForm = {
  pattern: new RegExp(`^(\\{(${BYTE}(,${BYTE})*)?\\}|(?!\\{)[\\u0020-\\u00ff]*)$`),
  description: 'text of Latin letters, or bytes as in "{1,-2,3}"',
};

export const MEMBERSHIP_CLASSES: readonly ClassEntry[] = [
  works("Membership", CLASS_NAMES.cloudMembershipService, {
    membershipProviderClassName: choice(
      "Where the members come from",
      {
        values: ["dns"],
        aliases: {
          [`${TRIBES}membership.cloud.DNSMembershipProvider`]: "dns",
          [`${TRIBES}membership.cloud.KubernetesMembershipProvider`]: "kubernetes",
        },
        later: {
          kubernetes: `the kubernetes provider (Tomcat's default) is not supported in this version: write membershipProviderClassName="dns"`,
        },
      },
      { default: "kubernetes" },
    ),
    dnsName: text("Name whose addresses are the members; unset: the environment's DNS_MEMBERSHIP_SERVICE_NAME", {
      ours: true,
      rule: 1,
    }),
    dnsServer: text("host:port of the DNS server; unset: that of resolv.conf", {
      ours: true,
      rule: 1,
      form: {
        pattern: /^$|^[0-9.]+(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$|^[0-9a-fA-F:]+$/,
        description: "an IP address, with a port after a colon where it is not 53",
      },
    }),
    refreshInterval: integer("Ms between two look-ups", 50, MAX, { default: 2000, ours: true, rule: 1 }),
    expirationTime: integer("Ms after which a member that the name no longer lists may go", 50, MAX, { default: 5000 }),
    readTimeout: integer("Ms for one DNS query", 10, MAX, { default: 1000 }),
    ...ignored("a DNS query has one time-out, readTimeout", ["connectTimeout"]),
    ...later({ payload: undefined, domain: undefined }),
    ...history(CLUSTER_LOG, ["doClusterLog", "clusterLogName"]),
  }),
  works("Membership", CLASS_NAMES.mcastService, {
    address: text("Multicast address of the group; with the port it is what makes members one group", {
      default: "228.0.0.4",
      form: {
        pattern: new RegExp(`^((22[4-9]|23\\d)(\\.${OCTET}){3}|[fF][fF][0-9a-fA-F]{2}:[0-9a-fA-F:.]+)$`),
        description: "a multicast address, such as 228.0.0.4",
      },
    }),
    port: integer("UDP port of the group", 1, 65_535, { default: 45_564 }),
    frequency: integer("Ms from one announcement of a member to the next", 10, MAX, { default: 500 }),
    dropTime: integer("Ms without an announcement, after which a member goes", 20, MAX, { default: 3000 }),
    bind: text("IP address of the interface that carries the group; unset: the system chooses", {
      form: { pattern: new RegExp(`^(${ADDRESS})?$`), description: "an IP address" },
    }),
    ttl: integer("Networks that announcements may cross; unset: the system's, 1", 0, 255),
    soTimeout: integer("Ms from one look for silent members to the next; unset: frequency", 10, MAX),
    recoveryEnabled: boolean("Whether the socket is made anew when the network fails", true),
    recoveryCounter: integer("Failures in a row after which it is", 1, MAX, { default: 10 }),
    recoverySleepTime: integer("Ms between two attempts to make it", 10, MAX, { default: 5000 }),
    localLoopbackDisabled: boolean("Whether members on the same machine do not hear each other", false),
    domain: text("Domain of this member", { default: "", form: BYTES }),
    payload: text("What this member announces about itself, to applications", { default: "", form: BYTES, ours: true }),
    ...later({ mcastBindAddress: undefined }, "write bind"),
    ...later({ mcastDropTime: undefined }, "write dropTime"),
    ...later({ mcastTTL: undefined }, "write ttl"),
    ...later({ mcastSoTimeout: undefined }, "write soTimeout"),
    ...later({ mcastAddr: undefined }, "write address"),
    ...later({ mcastPort: undefined }, "write port"),
    ...later({ mcastFrequency: undefined }, "write frequency"),
  }),
  works("Membership", CLASS_NAMES.staticMembershipService, {
    expirationTime: integer("Ms without a word of a member, after which it goes", 50, MAX, { default: 5000 }),
    connectTimeout: integer("Ms for the connection that tells whether anybody listens", 1, MAX, { default: 500 }),
    rpcTimeout: integer("Ms for the answers to a ping", 1, MAX, { default: 3000 }),
    useThread: boolean("Whether members are pinged each pingInterval; false: with each heartbeat of the channel", false),
    pingInterval: integer("Ms from one ping to the next, with useThread", 50, MAX, { default: 1000 }),
  }),
  ...["Member", "LocalMember"].map((element) =>
    works(element, CLASS_NAMES.staticMember, {
      host: text("IP address, that of the member's Receiver", {
        required: true,
        form: {
          pattern: new RegExp(`^(${ADDRESS}|\\{${BYTE}(,${BYTE}){3}((,${BYTE}){12})?\\})$`),
          description: 'an IP address, or its bytes as in "{10,1,2,3}"',
        },
      }),
      port: integer("TCP port of the member's Receiver", 1, 65_535, { required: true }),
      securePort: integer("Announced, and nothing else; -1: none", -1, 65_535, { default: -1 }),
      udpPort: integer("UDP port of the member's Receiver; -1: none", -1, 65_535, { default: -1 }),
      domain: text("Domain of the member", { default: "", form: BYTES }),
      uniqueId: text("Id of the member, the same in the file of every member", {
        default: `{${new Array<number>(16).fill(0).join(",")}}`,
        form: { pattern: new RegExp(`^\\{${BYTE}(,${BYTE}){15}\\}$`), description: '16 bytes as in "{0,1,-2,…}"' },
      }),
    }),
  ),
];
