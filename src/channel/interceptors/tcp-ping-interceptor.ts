// Looks for members that have failed before a message finds them (Tomcat: TcpPingInterceptor; tribes.md 12.3).
import { asError, type Clock, type Logger, type Random, type Timer } from "../../base/index.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { randomUuid } from "../uuid.ts";
import { PING_BODY } from "./probe-messages.ts";

export interface TcpPingInterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
}

export interface TcpPingInterceptorOptions {
  /** Options of the message; default 0. */
  readonly optionFlag: number;
  /** Default 1000; used with `useThread`. */
  readonly intervalMs: number;
  /** False, the default: with each heartbeat. True: each `intervalMs`. */
  readonly useThread: boolean;
}

/**
 * A TcpFailureDetector below asks every member, also those that have spoken. Without one each gets a message of 64 bytes, which
 * receivers drop; whoever cannot be sent it stays a member, as in a Tomcat.
 */
export class TcpPingInterceptor extends ChannelInterceptor {
  readonly #deps: TcpPingInterceptorDeps;
  readonly #options: TcpPingInterceptorOptions;
  #timer: Timer | undefined;
  /** One at a time: a member that does not read must not pile them up. */
  #pinging: Promise<void> | undefined;

  constructor(deps: TcpPingInterceptorDeps, options: TcpPingInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  override async start(): Promise<void> {
    if (this.#options.useThread) this.#timer = this.#deps.clock.setInterval(() => this.#look(), this.#options.intervalMs);
  }

  override async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#pinging;
  }

  override heartbeat(): void {
    super.heartbeat();
    if (!this.#options.useThread) this.#look();
  }

  #look(): void {
    if (this.below.checkMembers()) return;
    this.#pinging ??= this.#ping().finally(() => {
      this.#pinging = undefined;
    });
  }

  async #ping(): Promise<void> {
    const { clock, logger, random } = this.#deps;
    const members = this.members;
    if (members.length === 0) return;
    const message = {
      options: this.#options.optionFlag,
      timestamp: clock.now(),
      uniqueId: randomUuid(random),
      address: this.localMember,
      body: PING_BODY,
    };
    try {
      await this.below.sendMessage(members, message);
    } catch (error) {
      logger.warn({ err: asError(error) }, "Ping did not reach every member");
    }
  }
}
