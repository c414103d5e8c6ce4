import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseLocalAddress, type InterfaceAddress } from "../../../../src/channel/transport/local-address.ts";

const loopback: InterfaceAddress[] = [
  { address: "127.0.0.1", internal: true },
  { address: "::1", internal: true },
];
const pod = { address: "10.244.1.7", internal: false };
const second = { address: "172.17.0.1", internal: false };
const linkLocal = { address: "fe80::1%eth0", internal: false };
const global6 = { address: "2001:db8::7", internal: false };

describe('the address that "auto" stands for', () => {
  const rows: [string, string[], InterfaceAddress[], string][] = [
    ["is the host name's", ["172.17.0.1"], [...loopback, pod, second], "172.17.0.1"],
    ["is an interface's where the host name means loopback", ["127.0.1.1"], [...loopback, pod], "10.244.1.7"],
    ["is an interface's where the host name has no address", [], [...loopback, pod], "10.244.1.7"],
    ["is an interface's where the host name's belongs to another machine", ["192.0.2.1"], [...loopback, pod], "10.244.1.7"],
    ["is IPv4 before IPv6", [], [...loopback, global6, pod], "10.244.1.7"],
    ["is IPv6 where the host name says so", ["2001:DB8:0::7"], [...loopback, global6, pod], "2001:db8::7"],
    ["is IPv6 where there is nothing else", [], [...loopback, linkLocal, global6], "2001:db8::7"],
    ["is never link-local", ["fe80::1"], [...loopback, linkLocal], "127.0.0.1"],
    ["is loopback on a machine without a network", ["127.0.0.1"], loopback, "127.0.0.1"],
  ];
  for (const [what, named, interfaces, expected] of rows) {
    it(what, () => assert.equal(chooseLocalAddress(named, interfaces), expected));
  }
});
