import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { parseBalancerSettings, parseServerXml } from "../../../src/config/index.ts";
import { planCluster } from "../../../src/local/plan-cluster.ts";
import { ManifestFolder } from "../../support/local-cluster.ts";

const ADDRESSES = { address: "127.0.0.1", port: 8080, managementAddress: "127.0.5.1", managementPort: 9090, dnsServer: "127.0.5.1:8053" };

describe("planCluster", () => {
  let folder: ManifestFolder;
  beforeEach(() => {
    folder = new ManifestFolder();
  });
  afterEach(() => folder.remove());

  it("names workers, Services and ports as the operator does", async () => {
    folder.writeManifest({ replicas: 2, group: { receiver: { port: 4100 } }, drain: { deadlineSeconds: 7 } }, "basket");
    const plan = await planCluster(folder.manifest);
    assert.deepEqual(
      [plan.name, plan.namespace, plan.workers, plan.httpPort, plan.receiverPort, plan.membersName, plan.graceMs],
      ["basket", "default", ["basket-0", "basket-1"], 8080, 4100, "basket-members", 22_000],
    );
    assert.deepEqual(plan.services, [
      { name: "basket-members", ports: [{ name: "channel", port: 4100 }], publishNotReadyAddresses: true },
      { name: "basket-workers", ports: [{ name: "http", port: 8080 }], publishNotReadyAddresses: false },
    ]);
  });

  it("renders a server.xml that a worker accepts, with the applications beside the manifest", async () => {
    folder.writeManifest({}).addShop();
    const plan = await planCluster(folder.manifest);
    const serverXml = plan.serverXml("/run/keys");
    assert.match(serverXml, new RegExp(`appBase="${folder.path}/webapps"`));
    const environment = { POD_NAME: "shop-0", POD_IP: "127.0.5.2", DNS_MEMBERSHIP_SERVICE_NAME: "shop-members" };
    const { config } = parseServerXml(serverXml, {
      file: "server.xml",
      environment,
      readFile: () => assert.fail("no file is named"),
    });
    assert.equal(config.service.engine.jvmRoute, "shop-0");
    assert.partialDeepStrictEqual(config.service.engine.cluster?.channel.membership, { type: "DNS", dnsName: "shop-members" });
    assert.equal(plan.encrypted, true);
    assert.match(serverXml, /encryptionKeyDirectory="\/run\/keys"/);
  });

  it("makes no key for a group that is not encrypted", async () => {
    folder.writeManifest({ group: { encryption: { mode: "Disabled" } } });
    const plan = await planCluster(folder.manifest);
    assert.equal(plan.encrypted, false);
    assert.doesNotMatch(plan.serverXml("/run/keys"), /Encrypt|keys/);
  });

  it("makes balancer settings that the balancer accepts, asking our DNS server for the workers", async () => {
    folder.writeManifest({});
    const settings = parseBalancerSettings((await planCluster(folder.manifest)).balancerSettings(ADDRESSES));
    assert.deepEqual([settings.listen.address, settings.listen.port], ["127.0.0.1", 8080]);
    assert.deepEqual(settings.management, { address: "127.0.5.1", port: 9090 });
    assert.ok(settings.discovery.type === "DNS");
    assert.deepEqual([settings.discovery.service, settings.discovery.server], ["_http._tcp.shop-workers", "127.0.5.1:8053"]);
  });

  const pathCases = [
    {
      what: "every folder and archive without a list",
      spec: {},
      names: ["shop", "ROOT", "a#b", "old.war", ".git"],
      paths: ["", "/a/b", "/old", "/shop"],
    },
    {
      what: "only what is listed",
      spec: { applications: [{ path: "/shop" }, { path: "/" }] },
      names: ["shop", "ROOT", "other"],
      paths: ["/shop", ""],
    },
    { what: "nothing", spec: {}, names: [], paths: [] },
  ];
  for (const { what, spec, names, paths } of pathCases) {
    it(`serves ${what}`, async () => {
      folder.writeManifest(spec);
      for (const name of names) folder.write(`webapps/${name}/index.html`, "");
      assert.deepEqual((await planCluster(folder.manifest)).paths, paths);
    });
  }

  it("refuses listed applications without files, all at once", async () => {
    folder.writeManifest({ applications: [{ path: "/shop" }, { path: "/a/b" }, { path: "/" }] }).addShop();
    await assert.rejects(planCluster(folder.manifest), {
      code: "APPLICATION_FILES",
      message:
        `The application "/a/b" has no files: there is no "${folder.path}/webapps/a#b"\n` +
        `The application "/" has no files: there is no "${folder.path}/webapps/ROOT"`,
    });
  });

  it("takes applications with a source from beside the manifest, and says so, as it says what is for Kubernetes only", async () => {
    folder.writeManifest({
      applications: [{ path: "/shop", source: { image: { reference: "registry.example/shop:1" } } }],
      template: { nodeSelector: { disk: "fast" } },
      balancer: { ingress: { enabled: true } },
    });
    await assert.rejects(planCluster(folder.manifest), {
      message: /there is no ".*\/webapps\/shop", and its image is fetched on Kubernetes only: put its files there$/,
    });
    folder.addShop();
    assert.deepEqual((await planCluster(folder.manifest)).notices, [
      "Passed over here, it is for Kubernetes: spec.template, spec.balancer.ingress",
      'The application "/shop" is taken from webapps/ beside the manifest, not from its image',
    ]);
  });

  it("has nothing to say about a manifest that means the same here", async () => {
    folder.writeManifest({ applications: [{ path: "/shop" }] }).addShop();
    assert.deepEqual((await planCluster(folder.manifest)).notices, []);
  });

  it("refuses a server.xml in a ConfigMap", async () => {
    folder.writeManifest({ configuration: { serverXml: { configMapKeyRef: { name: "shop", key: "server.xml" } } } });
    await assert.rejects(planCluster(folder.manifest), { code: "SERVER_XML_REFERENCE", message: /there are none on this machine: remove/ });
  });

  it("refuses a cluster without workers", async () => {
    folder.writeManifest({ replicas: 0 });
    await assert.rejects(planCluster(folder.manifest), { code: "NO_WORKERS" });
  });

  it("says why a manifest cannot be read", async () => {
    await assert.rejects(planCluster(`${folder.path}/none.yaml`), { message: /none\.yaml" cannot be read: there is no such file$/ });
    await assert.rejects(planCluster(folder.path), { message: /cannot be read: it is a folder$/ });
  });
});
