// The receiving side of the channel: connections, and datagrams where there is a UDP port (Tomcat: NioReceiver; tribes.md 7).
import type { AddressInfo, Server, Socket } from "node:net";
import { asError, type Clock, type Logger, type Registry, systemErrorCode, type Timer } from "../../base/index.ts";
import type { ChannelMessage, ChannelReceiver } from "../channel.ts";
import { PortInUseError, ReceiverBindError } from "../errors.ts";
import { canonicalAddress } from "../wire/ip-address.ts";
import { localAddress } from "./local-address.ts";
import { MessageIntake } from "./message-intake.ts";
import { OutcomeMemory } from "./outcome-memory.ts";
import { ReceiverConnection, type ReceiverConnectionDeps, type ReceiverConnectionOptions } from "./receiver-connection.ts";
import { type Sockets, tcpSockets } from "./sockets.ts";
import { type ReceiveFailure, TransportMetrics } from "./transport-metrics.ts";
import { UdpReceiver } from "./udp-receiver.ts";
import { UnidentifiedPeers } from "./unidentified-peers.ts";

export interface TcpReceiverDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Whether an address may connect at all: the membership knows (rule 20). Must not reject. Default: every address. */
  readonly admit?: (address: string) => boolean | Promise<boolean>;
  /** Default: those of node:net. */
  readonly sockets?: Sockets;
}

export interface TcpReceiverOptions {
  /** "auto": see `localAddress`; else an IP address. */
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** How many ports to try upward from `port`; 1 or less: only that one. */
  readonly autoBind: number;
  /** Largest frame, marks included. */
  readonly maxFrameBytes: number;
  readonly tcpNoDelay: boolean;
  readonly soKeepAlive: boolean;
  /** First port that is tried for datagrams, `autoBind` of them; 0 or less (the default): none are received. */
  readonly udpPort?: number;
  /** Announced, and nothing else; default -1. */
  readonly securePort?: number;
  /** SO_RCVBUF of the UDP socket, default 65536, and SO_SNDBUF, default 25188. */
  readonly udpRxBufSize?: number;
  readonly udpTxBufSize?: number;
  /** Take messages whose member block names another host than the connection's; default false (rule 20). */
  readonly trustProxiedPeers?: boolean;
  /** Connections of one address before it is known who speaks. For this and the following see RECEIVER_LIMITS. */
  readonly maxConnectionsPerAddress?: number;
  /** Bytes buffered for all connections of which it is not known who speaks. */
  readonly maxUnidentifiedBytes?: number;
  /** How long a connection may stay without an accepted message. */
  readonly identificationTimeoutMs?: number;
  /** All connections. */
  readonly maxConnections?: number;
  /** Bytes of one connection that wait for a slow listener before its socket is no longer read. */
  readonly maxWaitingBytes?: number;
  /** Messages whose outcome is kept to answer repeats (rule 12). */
  readonly rememberedOutcomes?: number;
}

const MEBIBYTE = 1024 * 1024;
/** Rules 20 and 12. */
export const RECEIVER_LIMITS = {
  maxConnectionsPerAddress: 32,
  maxUnidentifiedBytes: 64 * MEBIBYTE,
  identificationTimeoutMs: 60_000,
  maxConnections: 4096,
  maxWaitingBytes: MEBIBYTE,
  rememberedOutcomes: 8192,
} as const;
/** Tomcat's. */
const UDP_RX_BYTES = 65_536;
const UDP_TX_BYTES = 25_188;
/** Of datagrams that wait: that many of the largest. */
const MAX_WAITING_DATAGRAM_BYTES = 64 * 65_536;
const SWEEP_PERIOD_MS = 5000;
const REFUSAL_LOG_PERIOD_MS = 10_000;

/**
 * Delivers the frames of each connection strictly in order, each after the one before has been settled; connections are independent
 * of one another. A peer's mistake closes its connection and nothing else.
 */
export class TcpReceiver implements ChannelReceiver {
  onMessage: (message: ChannelMessage) => void | Promise<void> = () => undefined;

  readonly #clock: Clock;
  readonly #connectionDeps: ReceiverConnectionDeps;
  readonly #connectionOptions: ReceiverConnectionOptions;
  readonly #logger: Logger;
  readonly #metrics: TransportMetrics;
  readonly #admit: (address: string) => boolean | Promise<boolean>;
  readonly #options: TcpReceiverOptions & { readonly [Limit in keyof typeof RECEIVER_LIMITS]: number };
  readonly #unidentified: UnidentifiedPeers;
  readonly #server: Server;
  readonly #datagrams: UdpReceiver | undefined;
  /** Sockets whose address the membership still looks up. */
  readonly #undecided = new Set<Socket>();
  readonly #connections = new Set<ReceiverConnection>();
  #refusals = 0;
  #nextRefusalLogMs = 0;
  #sweep: Timer | undefined;
  #bound: AddressInfo | undefined;

  constructor(deps: TcpReceiverDeps, options: TcpReceiverOptions) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#metrics = new TransportMetrics(deps.registry);
    this.#admit = deps.admit ?? (() => true);
    const limited = { ...RECEIVER_LIMITS, ...options };
    this.#options = limited;
    this.#unidentified = new UnidentifiedPeers({
      maxConnectionsPerAddress: limited.maxConnectionsPerAddress,
      maxBytes: limited.maxUnidentifiedBytes,
    });
    const { logger } = deps;
    const memory = new OutcomeMemory(limited.rememberedOutcomes);
    const intake = new MessageIntake({ logger, metrics: this.#metrics, memory, onMessage: (message) => this.onMessage(message) });
    this.#datagrams = this.#createDatagrams(intake);
    this.#connectionDeps = {
      logger,
      metrics: this.#metrics,
      intake,
      unidentified: this.#unidentified,
      onFinished: (connection) => this.#connections.delete(connection),
    };
    this.#connectionOptions = {
      maxFrameBytes: options.maxFrameBytes,
      maxWaitingBytes: limited.maxWaitingBytes,
      trustProxiedPeers: options.trustProxiedPeers ?? false,
    };
    this.#server = (deps.sockets ?? tcpSockets).createServer({ noDelay: options.tcpNoDelay, keepAlive: options.soKeepAlive });
    this.#server.maxConnections = limited.maxConnections;
    this.#server.on("connection", (socket) => this.#accept(socket));
    this.#server.on("drop", (dropped) => this.#refuse(dropped?.remoteAddress ?? "unknown", "connection_limit"));
  }

  get address(): string {
    return canonicalAddress(this.#address().address);
  }

  get port(): number {
    return this.#address().port;
  }

  get udpPort(): number {
    return this.#datagrams?.port ?? -1;
  }

  get securePort(): number {
    return this.#options.securePort ?? -1;
  }

  async start(): Promise<void> {
    const address = this.#options.address === "auto" ? await localAddress() : this.#options.address;
    await this.#bind(address);
    this.#bound = this.#server.address() as AddressInfo;
    await this.#startDatagrams(address);
    this.#server.on("error", (error) => this.#logger.error({ err: error }, "Receiver failed to accept a connection"));
    this.#sweep = this.#clock.setInterval(() => this.#closeSilent(), SWEEP_PERIOD_MS);
    this.#logger.info({ address: this.address, port: this.port, udpPort: this.udpPort }, "Receiver listens");
  }

  /** Closes every connection at once; what waits on them is not delivered any more. */
  async stop(): Promise<void> {
    this.#sweep?.cancel();
    await Promise.all([this.#datagrams?.stop(), this.#closeServer()]);
  }

  #closeServer(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections) connection.close();
      for (const socket of this.#undecided) socket.destroy();
    });
  }

  #createDatagrams(intake: MessageIntake): UdpReceiver | undefined {
    const { udpPort = -1, autoBind, trustProxiedPeers = false, udpRxBufSize, udpTxBufSize } = this.#options;
    if (udpPort <= 0) return undefined;
    const refuse = (address: string, reason: ReceiveFailure) => this.#refuse(address, reason);
    return new UdpReceiver(
      { logger: this.#logger, metrics: this.#metrics, intake, admit: this.#admit, refuse },
      {
        port: udpPort,
        autoBind,
        trustProxiedPeers,
        maxWaitingBytes: MAX_WAITING_DATAGRAM_BYTES,
        rxBufSize: udpRxBufSize ?? UDP_RX_BYTES,
        txBufSize: udpTxBufSize ?? UDP_TX_BYTES,
      },
    );
  }

  /** A start that fails leaves nothing open. */
  async #startDatagrams(address: string): Promise<void> {
    try {
      await this.#datagrams?.start(address);
    } catch (error) {
      await this.#closeServer();
      throw error;
    }
  }

  async #bind(address: string): Promise<void> {
    const { port, autoBind } = this.#options;
    const last = port === 0 ? 0 : Math.min(port + Math.max(autoBind, 1) - 1, 65_535);
    for (let candidate = port; ; candidate++) {
      try {
        await listen(this.#server, address, candidate);
        return;
      } catch (error) {
        if (systemErrorCode(error) !== "EADDRINUSE") throw new ReceiverBindError(address, candidate, asError(error));
        if (candidate >= last) throw new PortInUseError(address, port, Math.max(autoBind, 1), asError(error));
      }
    }
  }

  #address(): AddressInfo {
    if (!this.#bound) throw new Error("The receiver has no address before it is started");
    return this.#bound;
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress === undefined ? undefined : canonicalAddress(socket.remoteAddress);
    if (address === undefined) {
      socket.destroy();
      return;
    }
    if (!this.#unidentified.enter(address)) {
      this.#refuse(address, "connection_limit");
      socket.destroy();
      return;
    }
    this.#metrics.receiverConnections.inc();
    socket.on("close", () => this.#metrics.receiverConnections.dec());
    const admitted = this.#admit(address);
    if (typeof admitted === "boolean") this.#decide(socket, address, admitted);
    else {
      this.#undecided.add(socket);
      socket.on("error", (error) => this.#logger.debug({ peer: address, err: error }, "Channel connection failed"));
      void admitted.then((known) => {
        this.#undecided.delete(socket);
        this.#decide(socket, address, known);
      });
    }
  }

  #decide(socket: Socket, address: string, admitted: boolean): void {
    if (!admitted || socket.destroyed) {
      if (!admitted) this.#refuse(address, "not_admitted");
      this.#unidentified.leave(address);
      socket.destroy();
      return;
    }
    this.#connections.add(new ReceiverConnection(this.#connectionDeps, this.#connectionOptions, socket, address, this.#clock.monotonic()));
  }

  #closeSilent(): void {
    const latestMs = this.#clock.monotonic() - this.#options.identificationTimeoutMs;
    for (const connection of this.#connections) {
      if (connection.silent && connection.acceptedAtMs <= latestMs) {
        connection.fail("silent", new Error("The peer sent no message that was accepted"));
      }
    }
  }

  /** Whoever connects in a loop must not fill the log: a line at most every ten seconds. */
  #refuse(address: string, reason: ReceiveFailure): void {
    this.#metrics.receiveFailures[reason].inc();
    this.#refusals++;
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#nextRefusalLogMs) return;
    this.#logger.warn({ peer: address, reason, refusals: this.#refusals }, "Refused channel connections or datagrams");
    this.#refusals = 0;
    this.#nextRefusalLogMs = nowMs + REFUSAL_LOG_PERIOD_MS;
  }
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      server.off("listening", settle);
      server.off("error", settle);
      if (error) reject(error);
      else resolve();
    };
    server.on("listening", settle);
    server.on("error", settle);
    server.listen(port, address);
  });
}
