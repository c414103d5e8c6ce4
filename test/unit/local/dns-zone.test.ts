import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DnsZone, RCODE, type ZoneEndpoint } from "../../../src/local/dns-zone.ts";

const MEMBERS = { name: "shop-members", ports: [{ name: "tribes", port: 4000 }], publishNotReadyAddresses: true };
const WORKERS = { name: "shop-workers", ports: [{ name: "http", port: 8080 }], publishNotReadyAddresses: false };

function zoneWith(endpoints: readonly ZoneEndpoint[]): DnsZone {
  const zone = new DnsZone([MEMBERS, WORKERS], { namespace: "default" });
  zone.setEndpoints(endpoints);
  return zone;
}

const THREE_PODS: readonly ZoneEndpoint[] = [
  { hostname: "shop-0", address: "127.0.5.2", ready: true },
  { hostname: "shop-1", address: "127.0.5.3", ready: false },
  { hostname: "shop-2", address: "127.0.5.4", ready: true },
];

describe("DnsZone", () => {
  const addressCases = [
    { name: "shop-members.default.svc.cluster.local", expected: ["127.0.5.2", "127.0.5.3", "127.0.5.4"] },
    { name: "Shop-Members.default.SVC.cluster.local.", expected: ["127.0.5.2", "127.0.5.3", "127.0.5.4"] },
    { name: "shop-members", expected: ["127.0.5.2", "127.0.5.3", "127.0.5.4"] },
    { name: "shop-members.default", expected: ["127.0.5.2", "127.0.5.3", "127.0.5.4"] },
    { name: "shop-members.default.svc", expected: ["127.0.5.2", "127.0.5.3", "127.0.5.4"] },
    { name: "shop-workers", expected: ["127.0.5.2", "127.0.5.4"] },
    { name: "_http._tcp.shop-workers", expected: ["127.0.5.2", "127.0.5.4"] },
    { name: "shop-1.shop-members.default.svc.cluster.local", expected: ["127.0.5.3"] },
    { name: "shop-2.shop-workers", expected: ["127.0.5.4"] },
  ];
  for (const { name, expected } of addressCases) {
    it(`answers ${expected.length} addresses for ${name}`, () => {
      const answer = zoneWith(THREE_PODS).answer({ name, type: "A" });
      assert.equal(answer.code, RCODE.noError);
      assert.equal(answer.authoritative, true);
      assert.deepEqual(
        answer.answers,
        expected.map((data) => ({ name, type: "A", class: "IN", ttl: 5, data })),
      );
      assert.deepEqual(answer.authorities, []);
    });
  }

  const emptyCases = [
    { name: "shop-members", type: "AAAA", code: RCODE.noError, why: "the name exists with other records" },
    { name: "shop-members", type: "TXT", code: RCODE.noError, why: "the name exists with other records" },
    { name: "cluster.local", type: "A", code: RCODE.noError, why: "the domain itself exists" },
    { name: "svc.cluster.local", type: "A", code: RCODE.noError, why: "names lie below it" },
    { name: "default.svc.cluster.local", type: "A", code: RCODE.noError, why: "the namespace exists" },
    { name: "other.svc.cluster.local", type: "A", code: RCODE.nonExistentDomain, why: "there is no such namespace" },
    { name: "basket.default.svc.cluster.local", type: "A", code: RCODE.nonExistentDomain, why: "there is no such Service" },
    { name: "shop-members.other.svc.cluster.local", type: "A", code: RCODE.nonExistentDomain, why: "the Service is elsewhere" },
    { name: "shop-1.shop-workers", type: "A", code: RCODE.nonExistentDomain, why: "the pod is not ready" },
    { name: "shop-9.shop-members", type: "A", code: RCODE.nonExistentDomain, why: "there is no such pod" },
    { name: "_ajp._tcp.shop-workers", type: "SRV", code: RCODE.nonExistentDomain, why: "there is no such port" },
    { name: "_http._udp.shop-workers", type: "SRV", code: RCODE.nonExistentDomain, why: "the port is a TCP port" },
    { name: "a.b.c.shop-workers.default.svc.cluster.local", type: "A", code: RCODE.nonExistentDomain, why: "nothing lies so deep" },
  ];
  for (const { name, type, code, why } of emptyCases) {
    it(`answers ${code === RCODE.noError ? "NODATA" : "NXDOMAIN"} with the zone's SOA for ${type} of ${name}: ${why}`, () => {
      const answer = zoneWith(THREE_PODS).answer({ name, type });
      assert.equal(answer.code, code);
      assert.equal(answer.authoritative, true);
      assert.deepEqual(answer.answers, []);
      assert.equal(answer.authorities.length, 1);
      const [soa] = answer.authorities;
      assert.ok(soa?.type === "SOA");
      assert.equal(soa.name, "cluster.local");
      assert.equal(soa.ttl, 5);
      assert.equal(soa.data.minimum, 5);
    });
  }

  for (const name of ["example.org", "basket", "local", "notcluster.local.org", "."]) {
    it(`refuses ${name}, which is not its to answer`, () => {
      const answer = zoneWith(THREE_PODS).answer({ name, type: "A" });
      assert.deepEqual([answer.code, answer.authoritative, answer.authorities.length], [RCODE.refused, false, 0]);
    });
  }

  it("answers SRV with one target per ready pod, named after the pod, and the targets' addresses beside it", () => {
    const answer = zoneWith(THREE_PODS).answer({ name: "_http._tcp.shop-workers", type: "SRV" });
    const target = (pod: string) => `${pod}.shop-workers.default.svc.cluster.local`;
    assert.deepEqual(
      answer.answers.map((record) => (record.type === "SRV" ? record.data : record)),
      [
        { priority: 0, weight: 50, port: 8080, target: target("shop-0") },
        { priority: 0, weight: 50, port: 8080, target: target("shop-2") },
      ],
    );
    assert.deepEqual(
      answer.additionals.map((record) => [record.name, record.type === "A" && record.data]),
      [
        [target("shop-0"), "127.0.5.2"],
        [target("shop-2"), "127.0.5.4"],
      ],
    );
  });

  it("says NXDOMAIN, not REFUSED, for a known Service without a ready pod: that is a definitive answer", () => {
    const answer = zoneWith([{ hostname: "shop-0", address: "127.0.5.2", ready: false }]).answer({
      name: "_http._tcp.shop-workers",
      type: "SRV",
    });
    assert.equal(answer.code, RCODE.nonExistentDomain);
  });

  it("raises the SOA serial with every change", () => {
    const zone = zoneWith([]);
    const serial = () => {
      const [soa] = zone.answer({ name: "nobody.cluster.local", type: "A" }).authorities;
      return soa?.type === "SOA" ? soa.data.serial! : assert.fail("no SOA");
    };
    const before = serial();
    zone.setEndpoints(THREE_PODS);
    assert.equal(serial(), before + 1);
  });
});
