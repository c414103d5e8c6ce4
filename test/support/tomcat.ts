// Real Apache Tomcats (Debian's tomcat10) for tests and benchmarks: a CATALINA_BASE of their own, started and stopped by pid.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type ChannelEncryption, encryptedInterceptors } from "./encrypted-interceptors.ts";
import { endsWithUs } from "./ends-with-us.ts";

const CATALINA_HOME = "/usr/share/tomcat10";
const JARS = "/usr/share/java";
const SERVLET_JARS = ["servlet-api", "catalina", "catalina-ha", "tribes", "api", "util"]
  .map((name) => join(JARS, `tomcat10-${name}.jar`))
  .join(":");
const SERVLET_SOURCES = join(import.meta.dirname, "../peers/java");

export interface TomcatOptions {
  /** jvmRoute. */
  readonly name: string;
  /** Loopback address of the connector and of the receiver. */
  readonly address: string;
  readonly httpPort: number;
  readonly receiverPort: number;
  /** Members of the group as the private hosts file lists them, this node among them. */
  readonly members: readonly string[];
  /** Bits of tribes.md 4; default 8 (asynchronous). */
  readonly channelSendOptions?: number;
  /** Default DeltaManager. */
  readonly manager?: "DeltaManager" | "BackupManager";
  /** Of a DeltaManager; default 60, which is Tomcat's. */
  readonly stateTransferTimeoutSeconds?: number;
  /** More of the Manager's attributes, as they stand in the XML. */
  readonly managerAttributes?: string;
  /** Of the channel, and expiration of its membership; default 5000, which is Tomcat's. */
  readonly heartbeatMs?: number;
  /** Of an EncryptInterceptor; without it, messages are plain. */
  readonly encryption?: ChannelEncryption;
  /** Context path; default "/app". */
  readonly contextPath?: string;
  /** Also opens an AJP connector (secret "bench") for httpd. */
  readonly ajpPort?: number;
  readonly javaOptions?: readonly string[];
  /** Command and arguments that run Java's own command, such as `ip netns exec name`. */
  readonly launcher?: readonly string[];
}

/** The name that the private hosts files give the group. */
export const GROUP_NAME = "group.test";

let compiled: string | undefined;

/** Compiles the servlet once per process; returns the folder with the classes. */
function servletClasses(): string {
  if (compiled) return compiled;
  const folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-servlet-"));
  const sources = globSync(join(SERVLET_SOURCES, "*.java"));
  execFileSync("javac", ["--release", "11", "-cp", SERVLET_JARS, "-d", folder, ...sources], { stdio: "inherit" });
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  compiled = folder;
  return folder;
}

export class RealTomcat {
  readonly options: TomcatOptions;
  readonly #base: string;
  #process: ChildProcess | undefined;
  #output = "";

  constructor(options: TomcatOptions) {
    this.options = options;
    this.#base = mkdtempSync(join(tmpdir(), `tomcat-cluster-${options.name}-`));
  }

  get url(): string {
    return `http://${this.options.address}:${this.options.httpPort}${this.options.contextPath ?? "/app"}`;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** What the Tomcat has logged so far. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when Tomcat has logged that the server has started. */
  async start(timeoutMs = 90_000): Promise<void> {
    this.#layOut();
    const { options } = this;
    const [command, ...args] = [
      ...(options.launcher ?? []),
      "setpriv",
      ...endsWithUs(),
      "java",
      ...(options.javaOptions ?? ["-Xmx256m"]),
      `-Djdk.net.hosts.file=${join(this.#base, "conf/hosts")}`,
      "-Djava.net.preferIPv4Stack=true",
      `-Dcatalina.home=${CATALINA_HOME}`,
      `-Dcatalina.base=${this.#base}`,
      `-Djava.io.tmpdir=${join(this.#base, "temp")}`,
      "-cp",
      [join(CATALINA_HOME, "bin/bootstrap.jar"), join(CATALINA_HOME, "bin/tomcat-juli.jar")].join(":"),
      "org.apache.catalina.startup.Bootstrap",
      "start",
    ] as const;
    const child = spawn(command!, args, {
      env: { ...process.env, DNS_MEMBERSHIP_SERVICE_NAME: GROUP_NAME },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Tomcat did not start in ${timeoutMs} ms:\n${this.#output}`)), timeoutMs);
      const onData = (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-200_000);
        if (/Server startup in/.test(this.#output)) {
          clearTimeout(timer);
          resolve();
        }
      };
      child.stdout!.on("data", onData);
      child.stderr!.on("data", onData);
      child.once("exit", (code) => {
        clearTimeout(timer);
        reject(new Error(`Tomcat ended with ${code}:\n${this.#output}`));
      });
    });
  }

  /** SIGTERM, and waits for the process; SIGKILL as the signal for a sudden death. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill(signal);
      // A frozen one cannot end before it goes on.
      child.kill("SIGCONT");
      await ended;
    }
    rmSync(this.#base, { recursive: true, force: true });
  }

  #layOut(): void {
    const { options } = this;
    const web = join(this.#base, "webapps", (options.contextPath ?? "/app").slice(1), "WEB-INF");
    for (const folder of ["conf", "logs", "temp", "work"]) mkdirSync(join(this.#base, folder), { recursive: true });
    mkdirSync(web, { recursive: true });
    execFileSync("cp", ["-r", servletClasses(), join(web, "classes")]);
    mkdirSync(join(web, "../META-INF"));
    writeFileSync(join(web, "../META-INF/context.xml"), '<Context privileged="true"><JarScanner scanClassPath="false"/></Context>\n');
    writeFileSync(join(web, "web.xml"), WEB_XML);
    writeFileSync(join(this.#base, "conf/server.xml"), serverXml(options));
    const hosts = [...options.members.map((address) => `${address} ${GROUP_NAME}`), `${options.address} ${hostname()}`];
    writeFileSync(join(this.#base, "conf/hosts"), `${hosts.join("\n")}\n`);
    const properties = join(CATALINA_HOME, "etc/catalina.properties");
    if (existsSync(properties)) execFileSync("cp", [properties, join(this.#base, "conf/catalina.properties")]);
  }
}

function serverXml(options: TomcatOptions): string {
  const ajp = options.ajpPort
    ? `<Connector protocol="AJP/1.3" address="${options.address}" port="${options.ajpPort}" secret="bench" maxThreads="100"/>`
    : "";
  return `<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1">
  <Service name="Catalina">
    <Connector port="${options.httpPort}" address="${options.address}" protocol="HTTP/1.1" maxKeepAliveRequests="-1"/>
    ${ajp}
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="${options.name}">
      <Cluster className="org.apache.catalina.ha.tcp.SimpleTcpCluster" channelSendOptions="${options.channelSendOptions ?? 8}">
        ${managerXml(options)}
        <Channel className="org.apache.catalina.tribes.group.GroupChannel" heartbeatSleeptime="${options.heartbeatMs ?? 5000}">
          <Membership className="org.apache.catalina.tribes.membership.cloud.CloudMembershipService" membershipProviderClassName="dns" expirationTime="${options.heartbeatMs ?? 5000}"/>
          <Receiver className="org.apache.catalina.tribes.transport.nio.NioReceiver" address="${options.address}" port="${options.receiverPort}" autoBind="1"/>
          <Sender className="org.apache.catalina.tribes.transport.ReplicationTransmitter">
            <Transport className="org.apache.catalina.tribes.transport.nio.PooledParallelSender"/>
          </Sender>
          ${options.encryption ? encryptedInterceptors(options.encryption) : PLAIN_INTERCEPTORS}
        </Channel>
        <Valve className="org.apache.catalina.ha.tcp.ReplicationValve" filter=""/>
        <Valve className="org.apache.catalina.ha.session.JvmRouteBinderValve"/>
        <ClusterListener className="org.apache.catalina.ha.session.ClusterSessionListener"/>
      </Cluster>
      <Host name="localhost" appBase="webapps"/>
    </Engine>
  </Service>
</Server>
`;
}

function managerXml({ manager = "DeltaManager", managerAttributes = "", stateTransferTimeoutSeconds = 60 }: TomcatOptions): string {
  const transfer = manager === "DeltaManager" ? `stateTransferTimeout="${stateTransferTimeoutSeconds}"` : "";
  return `<Manager className="org.apache.catalina.ha.session.${manager}" ${transfer} ${managerAttributes}/>`;
}

const PLAIN_INTERCEPTORS = `<Interceptor className="org.apache.catalina.tribes.group.interceptors.TcpFailureDetector"/>
          <Interceptor className="org.apache.catalina.tribes.group.interceptors.MessageDispatchInterceptor"/>`;

const WEB_XML = `<?xml version="1.0" encoding="UTF-8"?>
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0" metadata-complete="true">
  <distributable/>
  <listener><listener-class>CreationGate</listener-class></listener>
  <servlet><servlet-name>session</servlet-name><servlet-class>SessionServlet</servlet-class><load-on-startup>1</load-on-startup></servlet>
  <servlet-mapping><servlet-name>session</servlet-name><url-pattern>/x</url-pattern><url-pattern>/hit</url-pattern></servlet-mapping>
</web-app>
`;
