// Workers of ours as processes with a hand-written server.xml, and the DNS server of their group, for tests with real peers.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODE_FLAGS, silentLogger } from "../../src/base/index.ts";
import { DnsServer } from "../../src/local/dns-server.ts";
import { RCODE, type ZoneAnswer } from "../../src/local/dns-zone.ts";
import { type ChannelEncryption, encryptedInterceptors } from "./encrypted-interceptors.ts";

const ROOT = join(import.meta.dirname, "../..");
const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

export interface TestWorkersOptions {
  /** Loopback addresses of our workers, which are called worker-0, worker-1, … */
  readonly addresses: readonly string[];
  /** What the group's name resolves to. */
  readonly groupAddresses: readonly string[];
  readonly groupName: string;
  /** Of the group's DNS server; default: the first worker's. */
  readonly dnsAddress?: string;
  /** How many of them `start` starts; default: all. The others start with `launch`. */
  readonly started?: number;
  /** Runs dist/, which `npm run build` has made, in place of src/. */
  readonly compiled?: boolean;
  /** Command and arguments that run the worker's own command, such as `taskset -c 1`. */
  launcher?(index: number): readonly string[];
  /** Of the server.xml that is written when there is no `serverXml`. */
  readonly channelSendOptions?: number;
  /** In the same; default DeltaManager. */
  readonly manager?: "DeltaManager" | "BackupManager";
  /** Of an EncryptInterceptor in the same; without it, messages are plain. */
  readonly encryption?: ChannelEncryption;
  /** The server.xml of one worker. Its environment has POD_NAME and POD_IP. */
  serverXml?(worker: { readonly index: number; readonly address: string }): string;
}

/** What the tests read of /cluster. */
export interface ClusterPage {
  /** `state`: "Alive" or "Suspect". */
  readonly members: readonly { readonly state: string }[];
  readonly managers: readonly {
    readonly contextName: string;
    readonly sessions: number;
    readonly primarySessions: number;
    readonly stateTransferred: boolean;
    /** With `?digest`. */
    readonly digest?: string;
  }[];
}

interface RunningWorker {
  readonly child: ChildProcess;
  output: string;
}

export class TestWorkers {
  readonly #options: TestWorkersOptions;
  readonly #dns: DnsServer;
  readonly #folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-workers-"));
  readonly #running: RunningWorker[] = [];

  private constructor(options: TestWorkersOptions, dns: DnsServer) {
    this.#options = options;
    this.#dns = dns;
  }

  static async start(options: TestWorkersOptions): Promise<TestWorkers> {
    const dns = groupDns(options.dnsAddress ?? options.addresses[0]!, options.groupName, options.groupAddresses);
    await dns.start();
    const workers = new TestWorkers(options, dns);
    try {
      await Promise.all(options.addresses.slice(0, options.started).map((_address, index) => workers.launch(index)));
    } catch (error) {
      await workers.stop();
      throw error;
    }
    return workers;
  }

  url(index: number): string {
    return `http://${this.#options.addresses[index]}:8080/app`;
  }

  /** The worker's log so far. */
  output(index: number): string {
    return this.#running[index]!.output;
  }

  pid(index: number): number {
    return this.#running[index]!.child.pid!;
  }

  /** Resolves when the new process is ready. */
  async launch(index: number): Promise<void> {
    this.#spawn(index);
    await this.#ready(index);
  }

  /** SIGTERM; resolves when the process has ended. */
  async end(index: number): Promise<void> {
    const { child } = this.#running[index]!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  kill(index: number, signal: NodeJS.Signals): void {
    this.#running[index]!.child.kill(signal);
  }

  /** SIGTERM, a new process at the same address, ready again. */
  async restart(index: number): Promise<void> {
    await this.end(index);
    await this.launch(index);
  }

  /** Resolves when each worker has that many other members. */
  async membersSeen(count: number): Promise<void> {
    for (const index of this.#options.addresses.keys()) await this.membersSeenBy(index, count);
  }

  async membersSeenBy(index: number, count: number): Promise<void> {
    await this.eventually(
      async () => (await this.cluster(index)).members.length,
      (members) => members === count,
    );
  }

  /** The /cluster page of the worker's management port. */
  async cluster(index: number, query = ""): Promise<ClusterPage> {
    return (await fetch(`http://${this.#options.addresses[index]}:9090/cluster${query}`)).json() as Promise<ClusterPage>;
  }

  /** Repeats until the result suits; fails with the last one after 15 s. */
  async eventually<T>(attempt: () => Promise<T>, suits: (result: T) => boolean): Promise<T> {
    const deadlineMs = performance.now() + 15_000;
    for (;;) {
      const result = await attempt();
      if (suits(result)) return result;
      if (performance.now() > deadlineMs) throw new Error(`Still ${JSON.stringify(result)} after 15 s`);
      await pause();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((_worker, index) => this.end(index)));
    await this.#dns.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawn(index: number): void {
    const address = this.#options.addresses[index]!;
    const base = join(this.#folder, `worker-${index}`);
    mkdirSync(join(base, "conf"), { recursive: true });
    cpSync(join(ROOT, "test/fixtures/webapps/app"), join(base, "webapps/app"), { recursive: true });
    const text = this.#options.serverXml?.({ index, address }) ?? serverXml(`worker-${index}`, address, this.#options);
    writeFileSync(join(base, "conf/server.xml"), text);
    const dns = `${this.#options.dnsAddress ?? this.#options.addresses[0]}:${this.#dns.port}`;
    const flags = ["--base", base, "--dns-server", dns, "--management-address", address];
    const entry = join(ROOT, this.#options.compiled ? "dist/cli/main.js" : "src/cli/main.ts");
    const launcher = this.#options.launcher?.(index) ?? [];
    const [command, ...args] = [...launcher, process.execPath, ...NODE_FLAGS, entry, "worker", ...flags] as const;
    const child = spawn(command!, args, {
      // With a channel, over which it notices that this process has ended, whatever ended it.
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, POD_NAME: `worker-${index}`, POD_IP: address },
    });
    const worker: RunningWorker = { child, output: "" };
    const collect = (data: Buffer) => {
      worker.output = (worker.output + data.toString()).slice(-200_000);
    };
    child.stdout!.on("data", collect);
    child.stderr!.on("data", collect);
    this.#running[index] = worker;
  }

  async #ready(index: number): Promise<void> {
    const deadlineMs = performance.now() + READY_TIMEOUT_MS;
    const worker = this.#running[index]!;
    while (!(await answers200(`http://${this.#options.addresses[index]}:9090/readyz`))) {
      if (worker.child.exitCode !== null || performance.now() > deadlineMs)
        throw new Error(`worker-${index} is not ready:\n${worker.output}`);
      await pause();
    }
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

async function answers200(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false; // Not listening yet.
  }
}

function groupDns(address: string, name: string, addresses: readonly string[]): DnsServer {
  const authority = {
    answer(question: { readonly name: string; readonly type: string }): ZoneAnswer {
      const known = question.name === name;
      const records = known && question.type === "A" ? addresses.map((data) => ({ type: "A" as const, name, data, ttl: 5 })) : [];
      return {
        code: known ? RCODE.noError : RCODE.nonExistentDomain,
        authoritative: true,
        answers: records,
        authorities: [],
        additionals: [],
      };
    },
  };
  return new DnsServer({ authority, logger: silentLogger }, { address, port: 0 });
}

function serverXml(route: string, address: string, options: TestWorkersOptions): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1">
  <Service name="Catalina">
    <Connector port="8080" address="${address}" protocol="HTTP/1.1" maxKeepAliveRequests="-1"/>
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="${route}">
      <Cluster className="org.apache.catalina.ha.tcp.SimpleTcpCluster" channelSendOptions="${options.channelSendOptions ?? 8}">
        <Manager className="org.apache.catalina.ha.session.${options.manager ?? "DeltaManager"}"/>
        <Channel className="org.apache.catalina.tribes.group.GroupChannel">
          <Membership className="org.apache.catalina.tribes.membership.cloud.CloudMembershipService" membershipProviderClassName="dns" dnsName="${options.groupName}"/>
          <Receiver className="org.apache.catalina.tribes.transport.nio.NioReceiver" address="${address}" port="4000" autoBind="1"/>
          ${options.encryption ? encryptedInterceptors(options.encryption) : ""}
        </Channel>
      </Cluster>
      <Host name="localhost" appBase="webapps"/>
    </Engine>
  </Service>
</Server>
`;
}
