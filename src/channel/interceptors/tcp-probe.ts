// Asks one member whether it lives: a short connection of its own with one 64-byte message (tribes.md 12.2, rule 3).
import type { Socket } from "node:net";
import { type Clock, type Random, systemErrorCode, type Timer } from "../../base/index.ts";
import type { Member } from "../channel.ts";
import { type Sockets, tcpSockets } from "../transport/sockets.ts";
import { randomUuid } from "../uuid.ts";
import { encodeChannelData } from "../wire/channel-data.ts";
import { BYTE_MESSAGE, USE_ACK } from "../wire/options.ts";
import { PROBE_BODY } from "./probe-messages.ts";

/** How to ask. A port, so that a simulation can answer without sockets. */
export interface MemberProbe {
  /**
   * Whether the member lives. With `acknowledged` it has to answer: the kernel accepts connections and bytes for a frozen
   * process too. Undefined: it closed the connection without an answer, as a member does that does not know the prober yet
   * (rule 20). Never rejects; false after `stop`.
   */
  probe(prober: Member, member: Member, acknowledged: boolean): Promise<boolean | undefined>;
  /** Ends the probes that are under way. */
  stop(): void;
}

export interface TcpProbeDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Default: those of node:net. */
  readonly sockets?: Sockets;
}

export interface TcpProbeOptions {
  readonly connectTimeoutMs: number;
  /** Write the 64-byte message, rather than only connect. */
  readonly performSendTest: boolean;
  /** Wait for an answer in every probe, rather than only where `acknowledged` asks for it. */
  readonly performReadTest: boolean;
  /** For that answer. */
  readonly readTestTimeoutMs: number;
}

/** More wait for their turn, so that a large group does not use up the file descriptors. */
const MAX_CONCURRENT_PROBES = 64;

export class TcpProbe implements MemberProbe {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sockets: Sockets;
  readonly #options: TcpProbeOptions;
  readonly #open = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #stopped = false;

  constructor(deps: TcpProbeDeps, options: TcpProbeOptions) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#sockets = deps.sockets ?? tcpSockets;
    this.#options = options;
  }

  async probe(prober: Member, member: Member, acknowledged: boolean): Promise<boolean | undefined> {
    if (this.#running >= MAX_CONCURRENT_PROBES) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return !this.#stopped && (await this.#connect(prober, member, acknowledged));
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const socket of this.#open) socket.destroy();
    for (const resume of this.#waiting.splice(0)) resume();
  }

  #connect(prober: Member, member: Member, acknowledged: boolean): Promise<boolean | undefined> {
    const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
    const { connectTimeoutMs, performSendTest, performReadTest, readTestTimeoutMs } = this.#options;
    const answers = acknowledged || performReadTest;
    const socket = this.#sockets.connect({ host: member.address, port: member.port, localAddress: prober.address, noDelay: true });
    const giveUp = () => settle(false);
    let timer = this.#after(connectTimeoutMs, giveUp);
    let alive: boolean | undefined = false;
    const settle = (answer: boolean) => {
      alive = answer;
      socket.removeListener("end", closed);
      socket.destroy();
    };
    const lives = () => settle(true);
    const closed = () => {
      alive = undefined;
    };
    this.#open.add(socket);
    socket.once("connect", () => {
      if (!answers && !performSendTest) {
        lives();
        return;
      }
      timer.cancel();
      timer = this.#after(answers ? readTestTimeoutMs : connectTimeoutMs, giveUp);
      socket.once("end", closed);
      socket.write(this.#frame(prober, answers), (error) => {
        if (!error && !answers) lives();
      });
    });
    if (answers) socket.once("data", lives);
    // What a member has not read when it closes turns the end of the connection into a reset.
    socket.on("error", (error) => {
      if (systemErrorCode(error) === "ECONNRESET") closed();
    });
    socket.once("close", () => {
      timer.cancel();
      this.#open.delete(socket);
      resolve(alive);
    });
    return promise;
  }

  /** When our own event loop was blocked, the answer may wait in the kernel: it is read before the time counts as over. */
  #after(timeoutMs: number, giveUp: () => void): Timer {
    let immediate: NodeJS.Immediate | undefined;
    const timer = this.#clock.setTimeout(() => {
      immediate = setImmediate(giveUp);
    }, timeoutMs);
    return {
      cancel: () => {
        timer.cancel();
        clearImmediate(immediate);
      },
    };
  }

  #frame(prober: Member, answers: boolean): Buffer {
    return encodeChannelData({
      options: answers ? BYTE_MESSAGE | USE_ACK : BYTE_MESSAGE,
      timestamp: this.#clock.now(),
      uniqueId: randomUuid(this.#random),
      address: prober,
      body: PROBE_BODY,
    });
  }
}
