// Several channels in one process, each on a loopback address of its own, found through one scripted name.
import { type Logger, Registry, silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { createChannel, type GroupChannel, type Member, type ReceivedMessage } from "../../src/channel/index.ts";
import type { AttributeValue, ChannelConfig, ComponentConfig, MembershipConfig } from "../../src/config/index.ts";
import { defaultAttributes } from "../../src/config/registry/registry.ts";
import { ScriptedResolver } from "./scripted-resolver.ts";

const LOCATION = { file: "server.xml", line: 1, column: 1 };
export const INTERCEPTOR_PACKAGE = "org.apache.catalina.tribes.group.interceptors.";

export function messageDispatch(attributes: Record<string, AttributeValue> = {}): ComponentConfig {
  return {
    className: `${INTERCEPTOR_PACKAGE}MessageDispatchInterceptor`,
    attributes: { maxQueueSize: 67_108_864, alwaysSend: true, ...attributes },
    location: LOCATION,
  };
}

/** With one key that every test shares, unless the attributes name a folder of keys. */
export function encryption(attributes: Record<string, AttributeValue> = {}): ComponentConfig {
  return {
    className: `${INTERCEPTOR_PACKAGE}EncryptInterceptor`,
    attributes: {
      encryptionAlgorithm: "AES/GCM/NoPadding",
      replayWindowTime: 10_000,
      replayWindowMessageCount: 1_000_000,
      ...("encryptionKeyDirectory" in attributes ? {} : { encryptionKey: "00112233445566778899aabbccddeeff" }),
      ...attributes,
    },
    location: LOCATION,
  };
}

export function failureDetector(attributes: Record<string, AttributeValue> = {}): ComponentConfig {
  return {
    className: `${INTERCEPTOR_PACKAGE}TcpFailureDetector`,
    attributes: {
      connectTimeout: 1000,
      performSendTest: true,
      performReadTest: false,
      readTestTimeout: 5000,
      removeSuspectsTimeout: 300,
      ...attributes,
    },
    location: LOCATION,
  };
}

/** With Tomcat's defaults, by its simple name. */
export function interceptorConfig(name: string, attributes: Record<string, AttributeValue> = {}): ComponentConfig {
  const className = `${INTERCEPTOR_PACKAGE}${name}`;
  return { className, attributes: { ...defaultAttributes("Interceptor", className), ...attributes }, location: LOCATION };
}

export interface ChannelConfigOptions {
  readonly address: string;
  readonly port: number;
  readonly interceptors?: readonly ComponentConfig[];
  readonly timeoutMs?: number;
  readonly heartbeatSleepMs?: number;
  readonly refreshMs?: number;
  readonly maxFrameBytes?: number;
  /** Default: no datagrams. */
  readonly udpPort?: number;
  readonly optionCheck?: boolean;
  /** Default: one name for all. */
  readonly membership?: MembershipConfig;
}

export function channelConfig(options: ChannelConfigOptions): ChannelConfig {
  return {
    membership: options.membership ?? {
      type: "DNS",
      dnsName: "group.test",
      refreshMs: options.refreshMs ?? 100,
      expirationMs: 500,
      timeoutMs: 1000,
    },
    receiver: {
      address: options.address,
      port: options.port,
      autoBind: 1,
      trustProxiedPeers: false,
      maxFrameBytes: options.maxFrameBytes ?? 67_108_864,
      tcpNoDelay: true,
      soKeepAlive: false,
      securePort: -1,
      udpPort: options.udpPort ?? -1,
      udpRxBufSize: 65_536,
      udpTxBufSize: 25_188,
    },
    sender: {
      timeoutMs: options.timeoutMs ?? 1000,
      maxRetryAttempts: 1,
      maxQueueBytes: 67_108_864,
      poolSize: 4,
      keepAliveTimeMs: -1,
      keepAliveCount: -1,
      tcpNoDelay: true,
      soKeepAlive: false,
      throwOnFailedAck: true,
      udpRxBufSize: 25_188,
      udpTxBufSize: 65_536,
    },
    interceptors: options.interceptors ?? [messageDispatch(), failureDetector()],
    heartbeatSleepMs: options.heartbeatSleepMs ?? 200,
    heartbeat: true,
    optionCheck: options.optionCheck ?? false,
    location: LOCATION,
  };
}

/** A channel that notes what it receives, and whose events a test can await. */
export class TestChannel {
  readonly channel: GroupChannel;
  readonly registry = new Registry();
  /** Texts of received byte messages. */
  readonly received: string[] = [];
  /** "added 127.0.9.2", "disappeared 127.0.9.2". */
  readonly events: string[] = [];
  /** Throwing refuses the message. */
  onMessage: (message: ReceivedMessage) => void | Promise<void> = () => undefined;
  #wake: (() => void)[] = [];

  constructor(config: ChannelConfig, resolver: ScriptedResolver, logger: Logger = silentLogger) {
    this.channel = createChannel({ clock: systemClock, logger, random: systemRandom, registry: this.registry, resolver }, config);
    this.channel.addMembershipListener({
      memberAdded: (member) => this.#note(`added ${member.address}`),
      memberDisappeared: (member) => this.#note(`disappeared ${member.address}`),
    });
    this.channel.addChannelListener({
      accept: (message) => message.kind === "Bytes",
      messageReceived: (message) => {
        this.received.push(message.body.toString());
        this.#changed();
        return this.onMessage(message);
      },
    });
  }

  get addresses(): string[] {
    return this.channel.members.map((member) => member.address);
  }

  member(address: string): Member {
    const found = this.channel.members.find((member) => member.address === address);
    if (!found) throw new Error(`"${address}" is no member: there are ${this.addresses.join(", ")}`);
    return found;
  }

  /** Resolves when the condition holds, looking again after each event and every few milliseconds; rejects after 10 s. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadlineMs = performance.now() + 10_000;
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`Waited 10 s for: ${what}. Events: ${this.events.join("; ")}`);
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        setTimeout(resolve, 10);
      });
    }
  }

  #note(event: string): void {
    this.events.push(event);
    this.#changed();
  }

  #changed(): void {
    for (const resolve of this.#wake.splice(0)) resolve();
  }
}

/** Channels that find one another under one name; each test takes a network and a port of its own. */
export class ChannelCluster {
  readonly resolver = new ScriptedResolver();
  readonly #port: number;
  readonly #started = new Set<TestChannel>();

  constructor(port: number) {
    this.#port = port;
  }

  async start(address: string, options: Omit<ChannelConfigOptions, "address" | "port"> = {}, logger?: Logger): Promise<TestChannel> {
    const node = this.create(address, options, logger);
    await node.channel.start();
    this.#started.add(node);
    return node;
  }

  /** Not started; `stop` of it is the caller's. */
  create(address: string, options: Omit<ChannelConfigOptions, "address" | "port"> = {}, logger?: Logger): TestChannel {
    return new TestChannel(channelConfig({ address, port: this.#port, ...options }), this.resolver, logger);
  }

  async stop(node: TestChannel, options: { goodbye?: boolean } = {}): Promise<void> {
    this.#started.delete(node);
    await node.channel.stop(options);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#started].map((node) => node.channel.stop({ goodbye: false })));
    this.#started.clear();
  }
}
