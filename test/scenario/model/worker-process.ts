// One worker of a simulation: real channel, cluster and manager on sockets in memory, and requests without HTTP.
import { Registry } from "../../../src/base/index.ts";
import { createChannel } from "../../../src/channel/create-channel.ts";
import type { GroupChannel } from "../../../src/channel/group-channel.ts";
import type { ComponentConfig } from "../../../src/config/index.ts";
import { sessionIdHash } from "../../../src/container/index.ts";
import { HeapGuard } from "../../../src/container/session/heap-guard.ts";
import { routeOf, stemOf, withRoute } from "../../../src/protocol/index.ts";
import { SimpleTcpCluster } from "../../../src/replication/cluster.ts";
import { MAP_EVENTS, MAP_MESSAGE_CLASS, mapMessageFromJava } from "../../../src/replication/map/map-message.ts";
import { allSessionTransferComplete, decodeSessionId } from "../../../src/replication/message-bodies.ts";
import { decodeSessionMessage, numberOf, SESSION_EVENTS, SESSION_MESSAGE_CLASS } from "../../../src/replication/messages.ts";
import { eventName } from "../../../src/replication/replication-metrics.ts";
import { BackupManager } from "../../../src/replication/session/backup-manager.ts";
import type { ClusterManagerBase } from "../../../src/replication/session/cluster-manager-base.ts";
import { DeltaManager } from "../../../src/replication/session/delta-manager.ts";
import type { DeltaSession } from "../../../src/replication/session/delta-session.ts";
import { ObjectInputStream } from "../../../src/serialization/index.ts";
import { channelConfig } from "../../support/channel-cluster.ts";
import type { MemoryHost, MemorySockets } from "../../support/memory-sockets.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { ProcessClock, type VirtualTime } from "../../support/virtual-time.ts";
import { type AppAnswer, type AppRequest, addItem, type Basket, basketOf, basketOfState, EMPTY_BASKET, NOT_KEPT } from "./application.ts";
import type { NameService } from "./name-service.ts";
import type { RuleSwitches } from "./rule-switches.ts";
import type { Trace } from "./trace.ts";

export interface WorkerProcessDeps {
  readonly time: VirtualTime;
  readonly network: MemorySockets;
  readonly names: NameService;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly off: RuleSwitches;
}

export interface WorkerProcessOptions {
  readonly name: string;
  readonly address: string;
  readonly clockOffsetMs: number;
  readonly synchronous: boolean;
  /** `durability="Required"` (rule 8). */
  readonly required: boolean;
  /** Connections to each member. */
  readonly poolSize: number;
  /** Ballast of a session. */
  readonly loadBytes: number;
  /** Bytes that may wait for one member. */
  readonly maxQueueBytes: number;
  /** A BackupManager in place of a DeltaManager. */
  readonly backups: boolean;
  /** Undefined: Tomcat's. */
  readonly interceptors: readonly ComponentConfig[] | undefined;
}

/** `Starting` and `Closing`: its connectors are closed. `Draining`: since SIGTERM. */
export type ProcessState = "Starting" | "Ready" | "Draining" | "Closing" | "Stopped" | "Dead";

export const CHANNEL_PORT = 4000;
const CONTEXT = "localhost#/app";
const DRAIN_DEADLINE_MS = 20_000;
/** As a worker has it: what then still runs is cut, and its answer never leaves. */
const REQUEST_END_TIMEOUT_MS = 10_000;
const QUIET_MS = 2000;
const ROOMY_HEAP = { usedBytes: 0, limitBytes: 1 };

export class WorkerProcess {
  readonly name: string;
  readonly address: string;
  readonly clock: ProcessClock;
  readonly host: MemoryHost;
  readonly channel: GroupChannel;
  readonly cluster: SimpleTcpCluster;
  readonly manager: ClusterManagerBase;
  state: ProcessState = "Starting";
  frozen = false;
  /** Called in the turn in which it opens its connectors. */
  onReady: () => void = () => undefined;
  /** Why it could not start or stop; a violation of its own. */
  failure: Error | undefined;
  /** Called when an answer leaves that says that others have the update. */
  onKept: (stem: string, version: number) => void = () => undefined;
  readonly #deps: WorkerProcessDeps;
  readonly #options: WorkerProcessOptions;
  #running = 0;
  #isCut = false;
  #lastRequestMs = 0;

  constructor(deps: WorkerProcessDeps, options: WorkerProcessOptions) {
    this.#deps = deps;
    this.#options = options;
    this.name = options.name;
    this.address = options.address;
    this.host = deps.network.host(options.address);
    this.clock = new ProcessClock(deps.time, { offsetMs: options.clockOffsetMs });
    const registry = new Registry();
    const common = { clock: this.clock, logger: deps.trace.logger(options.name), registry, random: deps.random.fork(options.name) };
    const stack = options.interceptors === undefined ? {} : { interceptors: options.interceptors };
    const config = channelConfig({ address: options.address, port: CHANNEL_PORT, refreshMs: 2000, heartbeatSleepMs: 5000, ...stack });
    const sender = { ...config.sender, poolSize: options.poolSize, maxQueueBytes: options.maxQueueBytes };
    this.channel = createChannel(
      { ...common, resolver: deps.names.resolver(this.host), sockets: this.host.sockets },
      { ...config, sender },
    );
    if (deps.trace.enabled) this.#traceMessages();
    if (deps.off.writtenAnswers) this.#writeLate();
    this.cluster = new SimpleTcpCluster(
      { ...common, channel: this.channel },
      { placement: "Engine", channelSendOptions: options.synchronous ? 6 : 8, manager: { type: "Delta", attributes: {} } },
    );
    const managerDeps = { ...common, cluster: this.cluster, heapGuard: new HeapGuard(this.clock, () => ROOMY_HEAP) };
    const managerOptions = { name: CONTEXT, contextName: CONTEXT, jvmRoute: options.name };
    this.manager = options.backups
      ? new BackupManager(managerDeps, { ...managerOptions, asynchronous: !options.synchronous })
      : new DeltaManager(managerDeps, managerOptions);
  }

  get alive(): boolean {
    return this.state !== "Dead" && this.state !== "Stopped";
  }

  get serves(): boolean {
    return this.state === "Ready" || this.state === "Draining";
  }

  get digest(): string {
    return this.manager.describe({ digest: true }).digest ?? "";
  }

  start(): void {
    void this.#start().catch((error: Error) => {
      if (this.alive) this.failure = error;
    });
  }

  /** SIGTERM (rule 18). */
  stop(): void {
    if (this.state !== "Ready" && this.state !== "Starting") return;
    this.#note(() => "SIGTERM");
    if (this.state === "Starting") this.cluster.abortStarts();
    this.state = "Draining";
    this.cluster.switchToSynchronous();
    void this.#drain().catch((error: Error) => {
      if (this.alive) this.failure = error;
    });
  }

  /** Its kernel lives or dies with it: see MemorySockets.kill. */
  died(): void {
    this.state = "Dead";
    this.clock.kill();
  }

  freeze(): void {
    this.frozen = true;
    this.clock.freeze();
    this.host.freeze();
  }

  thaw(): void {
    this.frozen = false;
    // A process that was stopped in epoll_wait sees its sockets first; one that was stopped elsewhere, its timers.
    if (this.#deps.random.chance(0.5)) {
      this.clock.thaw();
      this.host.thaw();
    } else {
      this.host.thaw();
      this.clock.thaw();
    }
  }

  /** What this copy of a session holds, without using it; undefined: it is not here. */
  basket(stem: string): Basket | undefined {
    const session = this.#sessionHere(stem);
    if (session === undefined || !session.alive) return undefined;
    return basketOfState(session.exportState());
  }

  /** Those that others know of. */
  get sessions(): number {
    return this.manager instanceof DeltaManager ? this.manager.stems().length : this.manager.activeSessions;
  }

  /** Whether requests run with it: what they change hides what others have sent of the same attribute (rule 13). */
  uses(stem: string): boolean {
    return this.#sessionHere(stem)?.inUse === true;
  }

  /** As the pipeline does it: look-up, JvmRouteBinderValve, application, ReplicationValve, the last bytes, end of access. */
  async handle(request: AppRequest, clientGone: () => boolean = () => false): Promise<AppAnswer> {
    this.#running++;
    this.#lastRequestMs = this.clock.monotonic();
    try {
      await this.cluster.standstill.settled();
      if (clientGone()) throw new Error("nobody waits for the answer");
      const session = await this.#sessionFor(request);
      if (session === undefined) return { ...EMPTY_BASKET, sessionId: undefined, worker: this.name };
      session.access();
      try {
        return await this.#work(session, request, clientGone);
      } finally {
        session.endAccess();
      }
    } finally {
      this.#running--;
      this.#lastRequestMs = this.clock.monotonic();
    }
  }

  async #start(): Promise<void> {
    if (this.#deps.off.firstOne) this.#takeNobodyForMember();
    if (this.#deps.off.wholeState) this.#finishWithFirstBlock();
    await this.cluster.start();
    await this.manager.start();
    if (this.state !== "Starting") return;
    this.state = "Ready";
    this.#note(() => `ready with ${this.manager.activeSessions} sessions`);
    this.onReady();
  }

  async #drain(): Promise<void> {
    const startedMs = this.clock.monotonic();
    this.#lastRequestMs = startedMs;
    if (!this.#deps.off.drain) {
      const quiet = () => this.#running === 0 && this.clock.monotonic() - this.#lastRequestMs >= QUIET_MS;
      while (!quiet() && this.clock.monotonic() - startedMs < DRAIN_DEADLINE_MS) await this.#sleep(100);
    }
    this.state = "Closing";
    const closedMs = this.clock.monotonic();
    while (this.#running > 0 && this.clock.monotonic() - closedMs < REQUEST_END_TIMEOUT_MS) await this.#sleep(100);
    this.#isCut = true;
    await this.manager.stop();
    await this.cluster.stop();
    this.state = "Stopped";
    this.#note(() => "stopped");
    this.#deps.network.kill(this.host, "Refuses");
    this.clock.kill();
  }

  #sessionHere(stem: string): DeltaSession | undefined {
    if (this.manager instanceof DeltaManager) return this.manager.sessionWithId(stem);
    for (const session of this.manager.findSessions()) if (stemOf(session.id) === stem) return session as DeltaSession;
    return undefined;
  }

  async #sessionFor(request: AppRequest): Promise<DeltaSession | undefined> {
    const id = request.sessionId;
    const found = id === undefined ? undefined : this.manager.findSession(id);
    const known = (found instanceof Promise ? await found : found) as DeltaSession | undefined;
    if (known === undefined) return request.kind === "Add" ? this.manager.createSession() : undefined;
    if (routeOf(known.id) !== this.name && !this.#deps.off.rebinding) this.manager.changeSessionId(known, withRoute(known.id, this.name));
    return known;
  }

  async #work(session: DeltaSession, request: AppRequest, clientGone: () => boolean): Promise<AppAnswer> {
    const { kind, version, workMs } = request;
    if (workMs > 0) await this.#sleep(workMs);
    if (kind === "Add") addItem(session, version, this.#options.loadBytes);
    await this.cluster.standstill.settled();
    if (kind === "Rename") this.manager.changeSessionId(session, this.manager.generateSessionId());
    // The application's answer is what it read now; its last bytes leave when the others have the change.
    const answer = { ...basketOf(session), sessionId: session.id, worker: this.name };
    this.#note(() => `${kind} ${version} on ${sessionIdHash(session.id)} v${session.version}`);
    const abandoned = clientGone();
    const replicated = abandoned ? this.manager.requestAbandoned(session, { uses: 1 }) : this.manager.requestCompleted(session);
    if (this.#deps.off.acknowledgedAnswers) return answer;
    const kept = await replicated;
    if (this.#options.required && !kept) throw new Error(NOT_KEPT);
    // What a request changed whose client has gone may be given up, and nobody is told that others have it.
    if (abandoned) throw new Error("nobody waits for the answer");
    if (this.#isCut) throw new Error("the connection was cut");
    if (this.#options.required && kind === "Add") this.onKept(stemOf(session.id), version);
    return answer;
  }

  /** Rule 5 switched off. */
  #takeNobodyForMember(): void {
    const { group } = this.cluster;
    Object.defineProperty(group, "members", { get: () => [] });
    Object.defineProperty(group, "suspects", { get: () => [] });
    Object.defineProperty(group, "listsLocalMember", { get: () => true });
  }

  /** Rule 6 switched off. */
  #finishWithFirstBlock(): void {
    const receive = this.manager.messageReceived.bind(this.manager);
    this.manager.messageReceived = (message, sender) => {
      receive(message, sender);
      if (message.event !== SESSION_EVENTS.AllSessionData || this.state !== "Starting") return;
      receive(decodeSessionMessage(allSessionTransferComplete(CONTEXT, this.clock.now())), sender);
    };
  }

  /** Rule 9 switched off. */
  #writeLate(): void {
    const send = this.channel.send.bind(this.channel);
    this.channel.send = async (destinations, message, options) => {
      await this.#sleep(500);
      return send(destinations, message, options);
    };
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.setTimeout(resolve, ms));
  }

  #note(what: () => string): void {
    this.#deps.trace.note(this.name, what);
  }

  /** Messages by type and hashed id. Changes nothing but the count of undeliverable ones. */
  #traceMessages(): void {
    const { channel } = this;
    const send = channel.send.bind(channel);
    channel.send = (destinations, message, options) => {
      const to = destinations.map((member) => member.address).join(",");
      this.#note(() => `-> ${to} ${message.kind === "Object" ? describe(message.body) : "bytes"} ${options.acknowledge}`);
      return send(destinations, message, options);
    };
    channel.addChannelListener({
      accept: ({ className }) => className === SESSION_MESSAGE_CLASS || className === MAP_MESSAGE_CLASS,
      messageReceived: (message) => this.#note(() => `<- ${message.sender.address} ${describe(message.body)}`),
    });
  }
}

function describe(body: Buffer): string {
  try {
    const message = decodeSessionMessage(body);
    const id =
      message.sessionId === null
        ? ""
        : ` ${stemOf(message.sessionId).length === 32 ? sessionIdHash(message.sessionId) : message.sessionId}`;
    const version = numberOf(message);
    const newId = message.event === SESSION_EVENTS.ChangeSessionId ? decodeSessionId(message.data!) : undefined;
    const renamed = newId === undefined ? "" : ` to ${sessionIdHash(newId)}.${routeOf(newId)}`;
    return `${eventName(message.event)}${id}${renamed}${version === undefined ? "" : ` v${version}`} (${message.data?.length ?? 0} bytes)`;
  } catch {
    return describeMapMessage(body);
  }
}

function describeMapMessage(body: Buffer): string {
  try {
    const { event, key, primary, nodes, diff } = mapMessageFromJava(new ObjectInputStream(body).readObject());
    const name = Object.entries(MAP_EVENTS).find(([, number]) => number === event)?.[0];
    const id = key === null ? "" : ` ${sessionIdHash(key)}.${routeOf(key)}`;
    const served = `${primary?.address ?? "nobody"} [${nodes?.map(({ address }) => address).join(" ") ?? ""}]`;
    return `map ${name}${diff === null ? "" : " diff"}${id} of ${served} (${body.length} bytes)`;
  } catch {
    return `rpc (${body.length} bytes)`;
  }
}
