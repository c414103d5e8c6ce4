// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of server.xml look like those of templates
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TomcatClusterManifest } from "../../../../src/api/index.ts";
import { parseServerXml, ServerXmlError } from "../../../../src/config/index.ts";
import { desiredServerXml } from "../../../../src/operator/desired/index.ts";
import { clusterOf } from "../../../support/desired-inputs.ts";

const FILE = 'ConfigMap "own", key "server.xml"';
const ENVIRONMENT = { POD_NAME: "shop-0", POD_IP: "10.0.0.7", DNS_MEMBERSHIP_SERVICE_NAME: "shop-members", LOG: "common" };

function merged(service: string, spec: TomcatClusterManifest["spec"] = {}): string {
  const text = `<Server>\n<Service name="Catalina">\n${service}\n</Service>\n</Server>`;
  return desiredServerXml(clusterOf(spec), {}, { file: FILE, text });
}

function configOf(service: string, spec?: TomcatClusterManifest["spec"]) {
  const sources = { file: "merged", environment: ENVIRONMENT, readFile: () => assert.fail() };
  return parseServerXml(merged(service, spec), sources).config.service;
}

function problemsOf(service: string, spec?: TomcatClusterManifest["spec"]): readonly string[] {
  try {
    merged(service, spec);
  } catch (error) {
    if (!(error instanceof ServerXmlError)) throw error;
    return error.problems.map(({ location, message }) => `${location.line}: ${message}`);
  }
  return [];
}

test("a file that says nothing changes nothing", () => {
  assert.equal(merged(""), desiredServerXml(clusterOf({})));
});

test("attributes that the manifest leaves open are the file's", () => {
  const { engine, connectors } = configOf(
    '<Connector port="8080" connectionTimeout="1234"/><Engine name="Catalina"><Cluster><Manager maxActiveSessions="7"/></Cluster></Engine>',
  );
  assert.equal(connectors.length, 1);
  assert.equal(connectors[0]!.connectionTimeoutMs, 1234);
  assert.equal(engine.cluster?.manager.attributes.maxActiveSessions, 7);
});

test("elements that the manifest has not are added: connectors, hosts, contexts, valves, aliases", () => {
  const { engine, connectors } = configOf(
    `<Connector port="8081"/>
     <Engine name="Catalina">
       <Host name="localhost"><Alias>a.example</Alias><Alias>b.example</Alias><Context path="/x" docBase="x"/>
         <Valve className="org.apache.catalina.valves.AccessLogValve" pattern="\${LOG}"/></Host>
       <Host name="other.example" appBase="other"/>
     </Engine>`,
    { hosts: [{ name: "localhost", aliases: ["a.example"] }], applications: [{ path: "/y" }] },
  );
  assert.deepEqual(
    connectors.map(({ port }) => port),
    [8080, 8081],
  );
  assert.deepEqual(
    engine.hosts.map(({ name, aliases, contexts, valves }) => [name, aliases, contexts.map(({ path }) => path), valves.length]),
    [
      ["localhost", ["a.example", "b.example"], ["/y", "/x"], 1],
      ["other.example", [], [], 0],
    ],
  );
});

for (const [what, service, expected] of [
  [
    "another route",
    '<Engine name="Catalina" jvmRoute="one"/>',
    ['3: jvmRoute="one" of Engine is not what the manifest makes it, "${POD_NAME}": remove the attribute'],
  ],
  [
    "another address of the connector",
    '<Connector port="8080"\n  address="0.0.0.0"/>',
    ['4: address="0.0.0.0" of Connector is not what the manifest makes it, "${POD_IP}": remove the attribute'],
  ],
  [
    "another mode of replication, and another port of the receiver",
    '<Engine name="Catalina"><Cluster channelSendOptions="8">\n<Channel><Receiver port="4100"/></Channel></Cluster></Engine>',
    [
      '3: channelSendOptions="8" of Cluster is not what the manifest makes it, "6": remove the attribute',
      '4: port="4100" of Receiver is not what the manifest makes it, "4000": remove the attribute',
    ],
  ],
  [
    "an interceptor of its own",
    '<Engine name="Catalina"><Cluster><Channel>\n<Interceptor className="org.apache.catalina.tribes.group.interceptors.ThroughputInterceptor"/></Channel></Cluster></Engine>',
    [/^4: /],
  ],
  ["what no worker knows", '<Engine name="Catalina"><Valve className="com.example.Mine"/></Engine>', [/^3: .*com\.example\.Mine/]],
] as const) {
  test(`${what} is refused, with its line`, () => {
    const problems = problemsOf(service);
    assert.equal(problems.length, expected.length, problems.join("\n"));
    for (const [index, wanted] of expected.entries()) {
      if (typeof wanted === "string") assert.equal(problems[index], wanted);
      else assert.match(problems[index]!, wanted);
    }
  });
}

test("an interceptor that workers know, and that the manifest does not want, is refused too", () => {
  const encrypt =
    '<Interceptor className="org.apache.catalina.tribes.group.interceptors.EncryptInterceptor" encryptionKey="${file:/run/key}"/>';
  const channel = `<Engine name="Catalina"><Cluster><Channel>\n${encrypt}</Channel></Cluster></Engine>`;
  assert.deepEqual(problemsOf(channel, { group: { encryption: { mode: "Disabled" } } }), [
    "4: The manifest says which interceptors there are, in the order that they need: remove this one",
  ]);
});

test("what is no XML is refused under the name of its ConfigMap", () => {
  assert.throws(
    () => desiredServerXml(clusterOf({}), {}, { file: FILE, text: "<Server>" }),
    /^INVALID|ConfigMap "own", key "server\.xml":1:/,
  );
});
