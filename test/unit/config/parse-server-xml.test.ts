// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of server.xml look like those of templates
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseServerXml, ServerXmlError, type ServerXmlNote } from "../../../src/config/index.ts";
import { DNS_MEMBERSHIP, readServerXmlFixture, stockServerXml, withDnsMembership } from "../../support/server-xml-texts.ts";

const CLUSTER = "org.apache.catalina.ha.tcp.SimpleTcpCluster";

function parse(text: string, environment: Record<string, string> = {}) {
  return parseServerXml(text, {
    file: "conf/server.xml",
    environment,
    readFile(path) {
      throw new Error(`No file ${path} in this test`);
    },
  });
}

function problemsOf(text: string, environment?: Record<string, string>): readonly string[] {
  try {
    parse(text, environment);
  } catch (error) {
    if (!(error instanceof ServerXmlError)) throw error;
    return error.problems.map(({ code, message, location }) => `${location.line}:${location.column} ${code} ${message}`);
  }
  return [];
}

function warnings(notes: readonly ServerXmlNote[]): readonly string[] {
  return notes.filter((note) => note.level === "warn").map((note) => note.message);
}

/** A small file with these pieces in it. */
function serverXml({ connector = '<Connector port="8080"/>', engine = "", host = "", cluster = "" } = {}): string {
  const inCluster = cluster === "" ? "" : `<Cluster className="${CLUSTER}">${cluster}</Cluster>`;
  const lines = [
    "<Server>",
    "<Service>",
    connector,
    '<Engine name="Catalina" defaultHost="localhost" jvmRoute="w1">',
    inCluster,
    engine,
    '<Host name="localhost">',
    host,
    "</Host>",
    "</Engine>",
    "</Service>",
    "</Server>",
  ];
  return lines.join("\n");
}

function channel(inside = ""): string {
  return `<Channel className="org.apache.catalina.tribes.group.GroupChannel">${DNS_MEMBERSHIP}${inside}</Channel>`;
}

test("the server.xml that Tomcat 10.1 comes with is accepted, with Tomcat's defaults", () => {
  const { config, notes } = parse(readServerXmlFixture("stock-10.1.xml"));
  const { connectors, engine } = config.service;
  assert.equal(config.service.name, "Catalina");
  assert.deepEqual(connectors, [
    {
      protocol: "HTTP/1.1",
      port: 8080,
      connectionTimeoutMs: 20_000,
      keepAliveTimeoutMs: 20_000,
      maxKeepAliveRequests: 100,
      maxHttpRequestHeaderSize: 8192,
      maxConnections: 8192,
      location: { file: "conf/server.xml", line: 70, column: 5 },
    },
  ]);
  assert.equal(engine.cluster, undefined);
  assert.equal(engine.jvmRoute, undefined);
  const [host] = engine.hosts;
  assert.partialDeepStrictEqual(host, { name: "localhost", appBase: "webapps", autoDeploy: true, deployOnStartup: true, contexts: [] });
  assert.deepEqual(host?.defaultContext, {
    sessionTimeoutSeconds: 1800,
    sessionCookieName: "JSESSIONID",
    useHttpOnly: true,
    sameSiteCookies: "unset",
  });
  assert.deepEqual(
    host?.valves.map(({ className, attributes }) => [className, attributes]),
    [["org.apache.catalina.valves.AccessLogValve", { pattern: '%h %l %u %t "%r" %s %b' }]],
  );
  assert.deepEqual(warnings(notes), [
    '<Realm className>: "org.apache.catalina.realm.LockOutRealm" is ignored: this version authenticates nobody: protect applications in front of the worker',
  ]);
});

for (const [name, expectedThreads] of [
  ["seed-001-cluster.xml", "6"],
  ["seed-002-cluster-1.xml", "50"],
  ["seed-002-cluster-2.xml", "30"],
] as const) {
  test(`the cluster of ${name} is accepted inside a stock server.xml, with DNS in place of multicast`, () => {
    const { config, notes } = parse(stockServerXml(withDnsMembership(readServerXmlFixture(name))));
    const { cluster, jvmRoute } = config.service.engine;
    assert.equal(jvmRoute, "worker1");
    assert.partialDeepStrictEqual(cluster, {
      placement: "Engine",
      channelSendOptions: 8,
      channelStartOptions: 15,
      manager: { type: "Delta", attributes: { expireSessionsOnShutdown: false } },
      channel: {
        membership: { type: "DNS", dnsName: "shop-members", refreshMs: 2000, expirationMs: 5000, timeoutMs: 1000 },
        receiver: { address: "auto", port: 4000, autoBind: 100 },
        sender: { timeoutMs: 3000, poolSize: 25 },
      },
    });
    assert.deepEqual(
      cluster?.channel.interceptors.map((interceptor) => interceptor.className),
      ["TcpFailureDetector", "MessageDispatchInterceptor"].map((simple) => `org.apache.catalina.tribes.group.interceptors.${simple}`),
    );
    assert.deepEqual(
      cluster?.valves.map((valve) => valve.className),
      ["org.apache.catalina.ha.tcp.ReplicationValve", "org.apache.catalina.ha.session.JvmRouteBinderValve"],
    );
    assert.equal(cluster?.valves[0]?.attributes.filter, "");
    assert.deepEqual(
      cluster?.clusterListeners.map((listener) => listener.className),
      ["org.apache.catalina.ha.session.ClusterSessionListener"],
    );
    const history = warnings(notes).filter((message) => message.includes("is history"));
    assert.equal(history.length, 2);
    assert.match(history[0]!, /MessageDispatch15Interceptor" is history .* taken as ".*MessageDispatchInterceptor"/);
    assert.match(history[1]!, /JvmRouteSessionIDBinderListener" is history and ignored/);
    assert.ok(
      notes.some((note) => note.level === "info" && note.message.startsWith(`<Receiver maxThreads>: "${expectedThreads}" is ignored`)),
    );
  });
}

test("the default configuration of seed 003 is refused for what comes later", () => {
  const problems = problemsOf(stockServerXml(readServerXmlFixture("seed-003-default-cluster.xml")));
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /NOT_SUPPORTED .*FarmWarDeployer" is not supported in this version/);
});

test("the tuned configuration of seed 003 is refused naming each thing that comes later", () => {
  const cluster = readServerXmlFixture("seed-003-backup-cluster.xml");
  const context = '<Host name="other"><Context path="/shop" className="org.apache.catalina.ha.context.ReplicatedContext"/></Host>';
  const problems = problemsOf(stockServerXml(`${cluster}${context}`));
  assert.deepEqual(
    problems.map((problem) => /NOT_SUPPORTED <(\w+) className>: ".*\.(\w+)" is not supported in this version/.exec(problem)?.slice(1)),
    [
      ["Deployer", "FarmWarDeployer"],
      ["Context", "ReplicatedContext"],
    ],
  );
});

test("the filter of seed 003 is taken as alternatives", () => {
  const filter = /filter="([^"]*)"/.exec(readServerXmlFixture("seed-003-backup-cluster.xml"))![1]!;
  const { config, notes } = parse(
    serverXml({ cluster: `${channel()}<Valve className="org.apache.catalina.ha.tcp.ReplicationValve" filter="${filter}"/>` }),
  );
  assert.equal(
    config.service.engine.cluster?.valves[0]?.attributes.filter,
    String.raw`.*\.gif|.*\.js|.*\.jpg|.*\.png|.*\.htm|.*\.html|.*\.css|.*\.txt`,
  );
  assert.ok(warnings(notes).some((message) => message.includes('list separated by ";" is history')));
});

test("the typographic quote of seed 002's Engine is found", () => {
  const text =
    '<Server>\n<Service>\n<Engine name="Catalina" defaultHost="192.168.1.100” jvmRoute="tomcat1"> \n</Engine></Service></Server>';
  assert.deepEqual(problemsOf(text), [
    '3:63 MALFORMED_XML Malformed XML: No whitespace between attributes, found "t", inside <Service> of line 2',
  ]);
});

test("a Cluster with nothing but its membership has Tomcat's defaults", () => {
  const { config } = parse(serverXml({ cluster: channel() }));
  const cluster = config.service.engine.cluster!;
  assert.partialDeepStrictEqual(cluster, {
    placement: "Engine",
    channelSendOptions: 8,
    manager: { type: "Delta", attributes: { stateTransferTimeout: 60, maxActiveSessions: 100_000 } },
    channel: {
      receiver: {
        address: "auto",
        port: 4000,
        autoBind: 100,
        maxFrameBytes: 67_108_864,
        trustProxiedPeers: false,
        tcpNoDelay: true,
        soKeepAlive: false,
      },
      sender: {
        timeoutMs: 3000,
        maxRetryAttempts: 1,
        poolSize: 25,
        maxQueueBytes: 67_108_864,
        keepAliveTimeMs: -1,
        keepAliveCount: -1,
        tcpNoDelay: true,
        soKeepAlive: false,
      },
      heartbeatSleepMs: 5000,
    },
  });
  assert.equal(cluster.clusterName, undefined);
  assert.deepEqual(
    cluster.channel.interceptors.map(({ className }) => className.split(".").at(-1)),
    ["MessageDispatchInterceptor", "TcpFailureDetector"],
  );
  assert.deepEqual(
    cluster.valves.map(({ className }) => className.split(".").at(-1)),
    ["JvmRouteBinderValve", "ReplicationValve"],
  );
  assert.equal(cluster.channel.interceptors[0]?.attributes.maxQueueSize, 67_108_864);
  assert.deepEqual(
    cluster.clusterListeners.map(({ className }) => className.split(".").at(-1)),
    ["ClusterSessionListener"],
  );
});

test("the name of the members comes from the file, else from the environment", () => {
  const cloud =
    '<Membership className="org.apache.catalina.tribes.membership.cloud.CloudMembershipService" membershipProviderClassName="dns"/>';
  const text = serverXml({ cluster: `<Channel className="org.apache.catalina.tribes.group.GroupChannel">${cloud}</Channel>` });
  const environment = { DNS_MEMBERSHIP_SERVICE_NAME: "from-environment" };
  const membershipOf = (file: string) => parse(file, environment).config.service.engine.cluster?.channel.membership;
  assert.partialDeepStrictEqual(membershipOf(text), { type: "DNS", dnsName: "from-environment" });
  assert.partialDeepStrictEqual(membershipOf(serverXml({ cluster: channel() })), { type: "DNS", dnsName: "shop-members" });
  assert.match(problemsOf(text)[0]!, /MISSING <Membership>: no name to look up: give dnsName, or set DNS_MEMBERSHIP_SERVICE_NAME/);
});

test("membership without a provider is Tomcat's kubernetes one, which comes later", () => {
  const cloud = '<Membership className="org.apache.catalina.tribes.membership.cloud.CloudMembershipService" dnsName="x"/>';
  const problems = problemsOf(
    serverXml({ cluster: `<Channel className="org.apache.catalina.tribes.group.GroupChannel">${cloud}</Channel>` }),
  );
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /NOT_SUPPORTED .*kubernetes provider .*write membershipProviderClassName="dns"/);
});

for (const [name, pieces, expected] of [
  [
    "valves without ReplicationValve",
    { cluster: `${channel()}<Valve className="org.apache.catalina.ha.session.JvmRouteBinderValve"/>` },
    /not ReplicationValve: no session is replicated/,
  ],
  [
    "valves without JvmRouteBinderValve",
    { cluster: `${channel()}<Valve className="org.apache.catalina.ha.tcp.ReplicationValve"/>` },
    /not JvmRouteBinderValve/,
  ],
  [
    "interceptors without TcpFailureDetector",
    { cluster: channel('<Interceptor className="org.apache.catalina.tribes.group.interceptors.MessageDispatchInterceptor"/>') },
    /not TcpFailureDetector/,
  ],
  [
    "asynchronous sending without MessageDispatchInterceptor",
    { cluster: channel('<Interceptor className="org.apache.catalina.tribes.group.interceptors.TcpFailureDetector"/>') },
    /no MessageDispatchInterceptor/,
  ],
] as const) {
  test(`${name} are accepted with a warning, as Tomcat accepts them`, () => {
    const found = warnings(parse(serverXml(pieces)).notes);
    assert.equal(found.length, 1);
    assert.match(found[0]!, expected);
  });
}

test("a Cluster without a jvmRoute is accepted with a warning", () => {
  const { notes } = parse(serverXml({ cluster: channel() }).replace(' jvmRoute="w1"', ""));
  assert.match(warnings(notes)[0]!, /no jvmRoute/);
});

test("attributes of older Tomcats are accepted with a warning", () => {
  const text = serverXml({ cluster: channel() }).replace(
    `className="${CLUSTER}"`,
    `className="${CLUSTER}" doClusterLog="true" clusterLogName="clusterlog"`,
  );
  const found = warnings(parse(text).notes);
  assert.equal(found.length, 2);
  assert.match(found[0]!, /<Cluster doClusterLog>: "true" is history and ignored: there is no separate cluster log/);
});

const DURABLE = '<Valve className="org.apache.catalina.ha.tcp.ReplicationValve" durability="Required"/>';

test("durability Required is accepted where requests wait for acknowledgements", () => {
  const text = serverXml({ cluster: channel() + DURABLE }).replace(
    `className="${CLUSTER}"`,
    `className="${CLUSTER}" channelSendOptions="6"`,
  );
  const [valve] = parse(text).config.service.engine.cluster!.valves;
  assert.equal(valve?.attributes.durability, "Required");
});

for (const [attributes, options] of [
  ["", 8],
  [' channelSendOptions="10"', 10],
  [' channelSendOptions="4"', 4],
] as const) {
  test(`durability Required is refused with channelSendOptions ${options}, which tells no request of acknowledgements`, () => {
    const text = serverXml({ cluster: channel() + DURABLE }).replace(`className="${CLUSTER}"`, `className="${CLUSTER}"${attributes}`);
    const [problem] = problemsOf(text);
    assert.match(problem!, /<Valve durability>.*set channelSendOptions of the Cluster to 6, it is \d+/);
    assert.ok(problem!.endsWith(String(options)), problem);
  });
}

test("a BackupManager is taken with Tomcat's attributes and defaults, and its sessions need the listener of a cluster too", () => {
  const manager = (attributes: string) => `<Manager className="org.apache.catalina.ha.session.BackupManager"${attributes}/>`;
  const tuned = ' mapSendOptions="async,use_ack" rpcTimeout="3000" accessTimeout="2000" terminateOnStartFailure="true"';
  const clusterOf = (attributes: string) =>
    parse(serverXml({ cluster: `${manager(attributes)}${channel()}` })).config.service.engine.cluster!;
  const plain = clusterOf("");
  assert.equal(plain.manager.type, "Backup");
  const { mapSendOptions, rpcTimeout, accessTimeout } = plain.manager.attributes;
  assert.deepEqual({ mapSendOptions, rpcTimeout, accessTimeout }, { mapSendOptions: 6, rpcTimeout: 15_000, accessTimeout: 5000 });
  assert.deepEqual(
    plain.clusterListeners.map(({ className }) => className),
    ["org.apache.catalina.ha.session.ClusterSessionListener"],
  );
  const { attributes } = clusterOf(tuned).manager;
  assert.deepEqual([attributes.mapSendOptions, attributes.rpcTimeout, attributes.accessTimeout], [10, 3000, 2000]);
});

test("durability Required looks at a BackupManager's own send options", () => {
  const manager = (options: number) => `<Manager className="org.apache.catalina.ha.session.BackupManager" mapSendOptions="${options}"/>`;
  assert.deepEqual(problemsOf(serverXml({ cluster: manager(6) + channel() + DURABLE })), []);
  const [problem] = problemsOf(serverXml({ cluster: manager(8) + channel() + DURABLE }));
  assert.match(problem!, /<Valve durability>.*set mapSendOptions of the Manager to 6, it is 8$/);
});

test("another durability is refused, naming both", () => {
  const [problem] = problemsOf(serverXml({ cluster: channel() + DURABLE.replace("Required", "Always") }));
  assert.match(problem!, /<Valve durability>: found "Always", known: Preferred, Required/);
});

test("channelSendOptions 4 alone warns that it gives no acknowledgement", () => {
  const text = serverXml({ cluster: channel() }).replace(`className="${CLUSTER}"`, `className="${CLUSTER}" channelSendOptions="sync"`);
  const { config, notes } = parse(text);
  assert.equal(config.service.engine.cluster?.channelSendOptions, 4);
  assert.match(warnings(notes)[0]!, /"sync" gives no acknowledgement/);
});

for (const [name, text, expected] of [
  ["a root that is no Server", "<Context/>", ["1:1 UNKNOWN_ELEMENT <Context>: the root element must be <Server>"]],
  ["a Server without Service", "<Server/>", ["1:1 MISSING <Server>: it has no <Service>"]],
  [
    "a Service without Engine and Connector",
    "<Server><Service/></Server>",
    ["1:9 MISSING <Service>: it has no <Connector>", "1:9 MISSING <Service>: it has no <Engine>"],
  ],
  [
    "an unknown element",
    serverXml({ host: "<Valv/>" }),
    [
      '8:1 UNKNOWN_ELEMENT <Valv>: unknown element in <Host> (did you mean "Valve"?); known: <Alias>, <Cluster>, <Context>, <DefaultContext>, <Listener>, <Realm>, <Valve>',
    ],
  ],
  [
    "an unknown class",
    serverXml({ cluster: `${channel()}<Valve className="org.apache.catalina.ha.tcp.ReplicatonValve"/>` }),
    [
      '5:299 UNKNOWN_CLASS <Valve className>: unknown class "org.apache.catalina.ha.tcp.ReplicatonValve" (did you mean "org.apache.catalina.ha.tcp.ReplicationValve"?); ' +
        "known: org.apache.catalina.ha.tcp.ReplicationValve, org.apache.catalina.ha.session.JvmRouteBinderValve",
    ],
  ],
  [
    "a class without its package",
    serverXml({ host: '<Valve className="AccessLogValve"/>' }),
    [
      '8:8 UNKNOWN_CLASS <Valve className>: unknown class "AccessLogValve" (did you mean "org.apache.catalina.valves.AccessLogValve"?); known: org.apache.catalina.valves.AccessLogValve',
    ],
  ],
  [
    "a class in the wrong place",
    serverXml({ host: '<Valve className="org.apache.catalina.ha.tcp.ReplicationValve"/>' }),
    ['8:8 UNKNOWN_CLASS <Valve className>: "org.apache.catalina.ha.tcp.ReplicationValve" may stand in <Cluster>, not in <Host>'],
  ],
  [
    "an element without className",
    serverXml({ host: "<Valve/>" }),
    ["8:1 MISSING <Valve>: className is missing; known: org.apache.catalina.valves.AccessLogValve"],
  ],
  [
    "an unknown attribute",
    serverXml().replace('name="Catalina"', 'name="Catalina" jvmroute="x"'),
    ['4:25 UNKNOWN_ATTRIBUTE <Engine jvmroute>: unknown attribute (did you mean "jvmRoute"?); known: name, defaultHost, jvmRoute'],
  ],
  [
    "a missing attribute",
    serverXml({ connector: "<Connector/>" }),
    ['3:1 MISSING <Connector>: attribute "port" is missing: TCP port; 0: any free one'],
  ],
  [
    "a value of the wrong type",
    serverXml({ connector: '<Connector port="http"/>' }),
    ['3:12 INVALID_VALUE <Connector port>: found "http", must be a whole number from 0 to 65535'],
  ],
  [
    "a route with a dot",
    serverXml().replace("w1", "a.b"),
    ['4:49 INVALID_VALUE <Engine jvmRoute>: found "a.b", must be at most 59 letters, digits, _ and -'],
  ],
  [
    "a variable that is not set",
    serverXml({ connector: '<Connector port="${PORT}"/>' }),
    ['3:12 UNRESOLVED_PLACEHOLDER <Connector port>: "${PORT}" is not set in the environment: set it, or give a default with "${PORT:-…}"'],
  ],
  [
    "a file that cannot be read",
    serverXml({ connector: '<Connector port="${file:/p}"/>' }),
    ['3:12 UNRESOLVED_PLACEHOLDER <Connector port>: the file of "${file:/p}" cannot be read: No file /p in this test'],
  ],
  [
    "an AJP connector",
    serverXml({ connector: '<Connector port="8009" protocol="AJP/1.3"/>' }),
    [
      '3:24 NOT_SUPPORTED <Connector protocol>: AJP connectors are not supported in this version: use protocol="HTTP/1.1", the balancer speaks it',
    ],
  ],
  [
    "a TLS connector",
    serverXml({ connector: '<Connector port="8443" SSLEnabled="true"><SSLHostConfig/></Connector>' }),
    [
      '3:24 NOT_SUPPORTED <Connector SSLEnabled>: "true" is not supported in this version: let the balancer or an ingress end TLS',
      "3:42 NOT_SUPPORTED <SSLHostConfig>: the element is not supported in this version: let the balancer or an ingress end TLS",
    ],
  ],
  [
    "a default host that is not there",
    serverXml().replace('defaultHost="localhost"', 'defaultHost="shop"'),
    ['4:25 INVALID_VALUE <Engine defaultHost>: no Host is called "shop"; known: localhost'],
  ],
  [
    "two hosts of one name",
    serverXml({ engine: '<Host name="LOCALHOST"/>' }),
    ['7:1 DUPLICATE <Host>: "localhost" is the name or an alias of a Host in line 6 already'],
  ],
  [
    "two contexts of one path",
    serverXml({ host: '<Context path=""/><Context path="/"/>' }),
    ['8:19 DUPLICATE <Context>: the path "" belongs to the Context in line 8 already'],
  ],
  [
    "a context path without a slash",
    serverXml({ host: '<Context path="shop"/>' }),
    [/8:10 INVALID_VALUE <Context path>: found "shop", must be empty for the root application, or a path such as "\/shop"/],
  ],
  [
    "a second Engine",
    serverXml().replace("</Engine>", '</Engine><Engine name="x" defaultHost="y"/>'),
    ["10:10 DUPLICATE <Engine>: <Service> has one already, in line 4; more than one is not supported"],
  ],
  [
    "a Cluster in Engine and Host",
    serverXml({ cluster: channel(), host: `<Cluster className="${CLUSTER}">${channel()}</Cluster>` }),
    [/NOT_SUPPORTED <Cluster>: more than one Cluster in a Server is not supported in this version/],
  ],
  [
    "an expiry before the next look-up",
    serverXml({ cluster: channel() }).replace('dnsName="shop-members"', 'dnsName="shop-members" expirationTime="1000"'),
    [/INVALID_VALUE <Membership expirationTime>: 1000 is shorter than refreshInterval, 2000/],
  ],
  ["text where none belongs", serverXml({ host: "hello" }), ["7:1 INVALID_VALUE <Host>: text has no meaning here; is a comment meant?"]],
] as const) {
  test(`${name} is refused with place, finding and what is known`, () => {
    const problems = problemsOf(text);
    assert.equal(problems.length, expected.length, problems.join("\n"));
    for (const [index, wanted] of expected.entries()) {
      if (typeof wanted === "string") assert.equal(problems[index], wanted);
      else assert.match(problems[index]!, wanted);
    }
  });
}

test("an error's text has file, line and column", () => {
  assert.throws(() => parse(serverXml({ connector: '<Connector port="x"/>' })), {
    code: "INVALID_SERVER_XML",
    message: /^conf\/server\.xml:3:12: <Connector port>: found "x"/,
  });
});

test("the number of problems is bounded", () => {
  assert.equal(problemsOf(serverXml({ host: "<Nonsense/>".repeat(1000) })).length, 50);
});

test("placeholders give the route, the address and the ports of a pod", () => {
  const text = serverXml({ connector: '<Connector port="${HTTP_PORT:-8080}" address="${POD_IP}"/>' }).replace('"w1"', '"${POD_NAME}"');
  const { service } = parse(text, { POD_IP: "10.0.0.7", POD_NAME: "shop-0" }).config;
  assert.partialDeepStrictEqual(service.connectors[0], { port: 8080, address: "10.0.0.7" });
  assert.equal(service.engine.jvmRoute, "shop-0");
});

test("an empty address or route counts as absent", () => {
  const { service } = parse(serverXml({ connector: '<Connector port="8080" address=""/>' }).replace("w1", "")).config;
  assert.equal(service.connectors[0]?.address, undefined);
  assert.equal(service.engine.jvmRoute, undefined);
});

test("attributes that are accepted without effect are noted with the reason", () => {
  const { notes } = parse(serverXml({ connector: '<Connector port="8080" maxThreads="150" compression="off"/>' }));
  assert.deepEqual(notes, [
    {
      level: "info",
      message: '<Connector maxThreads>: "150" is ignored: requests run on one event loop, not on threads',
      location: { file: "conf/server.xml", line: 3, column: 24 },
    },
  ]);
});

test("a Context says what differs from the host's DefaultContext, that what differs from Tomcat", () => {
  const defaults =
    '<DefaultContext distributable="true" sessionTimeoutSeconds="90" sessionCookieName="SID"><CookieProcessor sameSiteCookies="lax"/></DefaultContext>';
  const manager = '<Manager className="org.apache.catalina.session.StandardManager" maxActiveSessions="5"/>';
  const own = `<Context path="/a/b" docBase="x" distributable="false" sessionTimeout="2" useHttpOnly="false" sessionCookiePath="/">${manager}</Context>`;
  const [host] = parse(serverXml({ host: `${defaults}<Context path="/"/>${own}` })).config.service.engine.hosts;
  assert.deepEqual(host?.defaultContext, {
    distributable: true,
    sessionTimeoutSeconds: 90,
    sessionCookieName: "SID",
    useHttpOnly: true,
    sameSiteCookies: "lax",
  });
  assert.partialDeepStrictEqual(host?.contexts[0], {
    path: "",
    docBase: "ROOT",
    distributable: true,
    sessionTimeoutSeconds: 90,
    sessionCookieName: "SID",
  });
  assert.partialDeepStrictEqual(host?.contexts[1], {
    path: "/a/b",
    docBase: "x",
    distributable: false,
    sessionTimeoutSeconds: 120,
    sessionCookieName: "SID",
    sessionCookiePath: "/",
    useHttpOnly: false,
    manager: { type: "Standard", attributes: { maxActiveSessions: 5, processExpiresFrequency: 6 } },
  });
});

test("aliases are text, compared without case", () => {
  const [host] = parse(serverXml({ host: "<Alias> Shop.Example </Alias><Alias>${MORE}</Alias>" }), { MORE: "b.example" }).config.service
    .engine.hosts;
  assert.deepEqual(host?.aliases, ["shop.example", "b.example"]);
});

test("a Cluster in a Host says so", () => {
  const [host] = parse(serverXml({ host: `<Cluster className="${CLUSTER}">${channel()}</Cluster>` })).config.service.engine.hosts;
  assert.equal(host?.cluster?.placement, "Host");
});

test("receiver and transport take Tomcat's attributes for datagrams, with its defaults", () => {
  const { config } = parse(serverXml({ cluster: channel() }));
  const { receiver, sender, heartbeat, optionCheck } = config.service.engine.cluster!.channel;
  assert.deepEqual([heartbeat, optionCheck, sender.throwOnFailedAck], [true, false, true]);
  assert.deepEqual([receiver.udpPort, receiver.securePort, receiver.udpRxBufSize, receiver.udpTxBufSize], [-1, -1, 65_536, 25_188]);
  assert.deepEqual([sender.udpRxBufSize, sender.udpTxBufSize], [25_188, 65_536]);
  const NIO = "org.apache.catalina.tribes.transport";
  const inside = [
    `<Receiver className="${NIO}.nio.NioReceiver" udpPort="4001" securePort="4443" udpRxBufSize="70000" udpTxBufSize="30000"/>`,
    `<Sender className="${NIO}.ReplicationTransmitter">`,
    `<Transport className="${NIO}.nio.PooledParallelSender" udpRxBufSize="1" udpTxBufSize="2"/></Sender>`,
  ];
  const { receiver: given, sender: givenSender } = parse(serverXml({ cluster: channel(inside.join("")) })).config.service.engine.cluster!
    .channel;
  assert.deepEqual([given.udpPort, given.securePort, given.udpRxBufSize, given.udpTxBufSize], [4001, 4443, 70_000, 30_000]);
  assert.deepEqual([givenSender.udpRxBufSize, givenSender.udpTxBufSize], [1, 2]);
});

test("what the promise leans on can be turned off as in a Tomcat, with a warning", () => {
  const NIO = "org.apache.catalina.tribes.transport";
  const off = channel(
    `<Sender className="${NIO}.ReplicationTransmitter"><Transport className="${NIO}.nio.PooledParallelSender" throwOnFailedAck="false"/></Sender>`,
  ).replace("GroupChannel", 'GroupChannel" heartbeat="false" optionCheck="true');
  const { config, notes } = parse(serverXml({ cluster: off }));
  const { heartbeat, optionCheck, sender } = config.service.engine.cluster!.channel;
  assert.deepEqual([heartbeat, optionCheck, sender.throwOnFailedAck], [false, true, false]);
  const told = warnings(notes).join("\n");
  assert.match(told, /refused is not sent to it again \(rule 12\)/);
  assert.match(told, /is never asked again \(rule 3\)/);
  const inBackground = serverXml({ cluster: off }).replace(`${CLUSTER}"`, `${CLUSTER}" heartbeatBackgroundEnabled="true"`);
  const beating = parse(inBackground);
  assert.equal(beating.config.service.engine.cluster!.channel.heartbeat, true);
  assert.doesNotMatch(warnings(beating.notes).join("\n"), /rule 3/);
});
