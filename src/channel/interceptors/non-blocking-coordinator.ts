// Elects a leader by a token that goes round all members (Tomcat: NonBlockingCoordinator; tribes.md 12.12).
import { asError, type Clock, type Logger, type Random } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { CoordinationDescription } from "../describe-channel.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { randomUuid } from "../uuid.ts";
import {
  type CoordinationMessage,
  decodeCoordinationMessage,
  encodeCoordinationMessage,
  isAliveMessage,
  isCoordinationMessage,
} from "../wire/coordination-message.ts";
import { isShutdown } from "../wire/member-block.ts";
import { USE_ACK } from "../wire/options.ts";
import { describeView, inAbsoluteOrder, isSameView } from "./coordination-view.ts";
import type { MemberProbe } from "./tcp-probe.ts";

export interface NonBlockingCoordinatorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  /** Asks members of a token that the membership here does not know. */
  readonly probe: MemberProbe;
}

interface Election {
  readonly id: Buffer;
  readonly startedMs: number;
}

/** A token that has not come back by then is lost, with whoever had it. A Tomcat whose token is lost elects nobody any more. */
const TOKEN_TIMEOUT_MS = 15_000;
/** Of one token, whose view changes on its way, or that nobody stops; then a heartbeat begins anew. */
const MAX_ROUNDS = 10;
/** Tokens whose rounds are counted. */
const MAX_TOKENS = 64;
/** Messages that wait for the one before. */
const MAX_WAITING = 64;

/**
 * The first member in absolute order sends a token round; each member adds whom it knows, and when it comes back unchanged its source
 * confirms the view to all of it. Sessions do not wait for any of that. A member of a token that is not listed here is asked whether it
 * lives, and belongs to views; to the layers above only those belong that are listed.
 */
export class NonBlockingCoordinator extends ChannelInterceptor {
  readonly #deps: NonBlockingCoordinatorDeps;
  /** By key: those that the layers below have reported. */
  readonly #listed = new Map<string, Member>();
  /** By key: those that others know, and that have answered. */
  readonly #learnt = new Map<string, Member>();
  #view: readonly Member[] = [];
  #viewId: Buffer | undefined;
  #election: Election | undefined;
  /** How often a token has passed here, by its id; the latest last. */
  readonly #rounds = new Map<string, number>();
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** When the view was last that of those known here, as far as heartbeats tell. */
  #agreedMs = 0;
  #started = false;

  constructor(deps: NonBlockingCoordinatorDeps) {
    super();
    this.#deps = deps;
  }

  override async start(): Promise<void> {
    this.#started = true;
    this.#agreedMs = this.#deps.clock.monotonic();
    this.#elect(false);
  }

  override async stop(): Promise<void> {
    this.#started = false;
    this.#view = [];
    this.#viewId = undefined;
    this.#deps.probe.stop();
    await this.#work;
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    if (isAliveMessage(message.body)) return undefined;
    if (!isCoordinationMessage(message.body)) return this.above.messageReceived(message);
    const coordination = decodeCoordinationMessage(message.body);
    this.#queue(() => this.#arrived(coordination));
    return undefined;
  }

  override memberAdded(member: Member): void {
    this.#listed.set(member.key, member);
    this.#learnt.delete(member.key);
    super.memberAdded(member);
    this.#elect(false);
  }

  override memberDisappeared(member: Member): void {
    this.#listed.delete(member.key);
    this.#learnt.delete(member.key);
    super.memberDisappeared(member);
    if (this.#isFirst || this.#view[0]?.key === this.localMember.key) this.#elect(true);
  }

  override heartbeat(): void {
    super.heartbeat();
    if (this.#learnt.size > 0) this.#queue(() => this.#askLearnt());
    const nowMs = this.#deps.clock.monotonic();
    if (isSameView(this.#group, this.#view)) this.#agreedMs = nowMs;
    if (this.#isFirst || nowMs - this.#agreedMs >= TOKEN_TIMEOUT_MS) this.#elect(true);
  }

  override describe(): { readonly coordination: CoordinationDescription } {
    return { coordination: describeView(this.#view, () => this.localMember, this.#viewId) };
  }

  /** Everybody known here, the local member too. */
  get #group(): readonly Member[] {
    return inAbsoluteOrder([this.localMember, ...this.#listed.values(), ...this.#learnt.values()]);
  }

  get #isFirst(): boolean {
    return this.#group[0]?.key === this.localMember.key;
  }

  /** Nothing to do while a token of this member is on its way, or when the view is right. Who is not the first waits, unless it has to. */
  #elect(force: boolean): void {
    if (!this.#started) return;
    const view = this.#group;
    if (view.length === 1) {
      this.#election = undefined;
      if (!isSameView(view, this.#view)) this.#install(view, randomUuid(this.#deps.random));
      return;
    }
    const nowMs = this.#deps.clock.monotonic();
    if (this.#election && nowMs - this.#election.startedMs < TOKEN_TIMEOUT_MS) return;
    this.#election = undefined;
    if (isSameView(view, this.#view) || !(force || this.#isFirst)) return;
    const id = randomUuid(this.#deps.random);
    this.#election = { id, startedMs: nowMs };
    this.#deps.logger.debug({ members: view.length }, "Election begins");
    const token: CoordinationMessage = { kind: "Request", leader: view[0]!, source: this.localMember, view, id };
    this.#queue(() => this.#pass(token, view));
  }

  async #arrived(message: CoordinationMessage): Promise<void> {
    const merged = await this.#merge(message.view);
    if (!this.#started) return;
    const local = this.localMember.key;
    if (message.kind === "Confirmation") this.#install(inAbsoluteOrder([...message.view, this.localMember]), message.id);
    else if (message.source.key !== local) {
      // Its source sees the same others from now on, and this member leads them.
      if (message.leader.key !== local) await this.#pass(message, merged);
      else if (isSameView(merged, this.#view)) await this.#tell(message.source);
      else this.#elect(true);
    } else if (message.leader.key !== local) {
      this.#election = undefined;
      await this.#pass(message, merged);
    } else if (isSameView(inAbsoluteOrder(message.view), merged)) {
      await this.#confirm(message, merged);
    } else {
      // It has met members that this one did not know: it goes round once more.
      await this.#pass(message, merged);
    }
  }

  /** Those of the message that live, and those known here. */
  async #merge(view: readonly Member[]): Promise<readonly Member[]> {
    const local = this.localMember;
    const strangers = view.filter(({ key }) => key !== local.key && !this.#listed.has(key));
    await Promise.all(strangers.map((member) => this.#askStranger(member)));
    return this.#group;
  }

  async #askStranger(member: Member): Promise<void> {
    // One that closes the connection (rule 20) would not take the token either.
    const lives = !isShutdown(member) && (await this.#deps.probe.probe(this.localMember, member, true)) === true;
    if (lives && !this.#listed.has(member.key)) this.#learnt.set(member.key, member);
    else this.#learnt.delete(member.key);
  }

  async #askLearnt(): Promise<void> {
    await Promise.all([...this.#learnt.values()].map((member) => this.#askStranger(member)));
    if (this.#isFirst) this.#elect(true);
  }

  async #confirm(token: CoordinationMessage, view: readonly Member[]): Promise<void> {
    const others = view.filter(({ key }) => key !== this.localMember.key);
    this.#install(view, token.id);
    await this.#send(others, { ...token, kind: "Confirmation", view }).catch((error: unknown) => {
      this.#deps.logger.info({ err: asError(error) }, "A view was not confirmed to every member");
    });
  }

  /** Who asks for an election that has been held lacks its outcome. */
  async #tell(source: Member): Promise<void> {
    const [leader, view, id] = [this.localMember, this.#view, this.#viewId!];
    await this.#send([source], { kind: "Confirmation", leader, source: leader, view, id });
  }

  /** To the next one behind this member, or behind those that do not take it. */
  async #pass(token: CoordinationMessage, view: readonly Member[]): Promise<void> {
    if (!this.#counts(token)) {
      this.#deps.logger.warn(
        { source: token.source.name, rounds: MAX_ROUNDS },
        "Members do not agree on who there is; a heartbeat asks again",
      );
      return;
    }
    const here = view.findIndex(({ key }) => key === this.localMember.key);
    const message = { ...token, leader: view[0]!, view };
    for (const next of [...view.slice(here + 1), ...view.slice(0, here)]) {
      try {
        await this.#send([next], message);
        return;
      } catch (error) {
        this.#deps.logger.info({ err: asError(error), member: next.name }, "Member does not take the token of an election");
      }
    }
  }

  /** Whether the token may go on. */
  #counts({ id }: CoordinationMessage): boolean {
    const key = id.toString("hex");
    const rounds = (this.#rounds.get(key) ?? 0) + 1;
    this.#rounds.delete(key);
    this.#rounds.set(key, rounds);
    if (this.#rounds.size > MAX_TOKENS) this.#rounds.delete(this.#rounds.keys().next().value!);
    return rounds <= MAX_ROUNDS;
  }

  #send(members: readonly Member[], message: CoordinationMessage): Promise<void> {
    return this.below.sendMessage(members, {
      options: USE_ACK,
      timestamp: this.#deps.clock.now(),
      uniqueId: randomUuid(this.#deps.random),
      address: this.localMember,
      body: encodeCoordinationMessage(message),
    });
  }

  #install(view: readonly Member[], id: Buffer): void {
    if (this.#viewId?.equals(id)) return;
    this.#view = view;
    this.#viewId = id;
    this.#election = undefined;
    this.#deps.logger.info({ coordinator: view[0]?.name, members: view.length, viewId: id.toString("hex") }, "View installed");
    // Whom the others do not know yet may be the first of all.
    this.#elect(false);
  }

  /** One after the other: what has to ask somebody first must not be overtaken. */
  #queue(task: () => Promise<void>): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#deps.logger.debug({ waiting: MAX_WAITING }, "Too many coordination messages wait: one is dropped");
      return;
    }
    this.#waiting++;
    this.#work = this.#work
      .then(() => (this.#started ? task() : undefined))
      .catch((error: unknown) => this.#deps.logger.warn({ err: asError(error) }, "Coordination failed"))
      .finally(() => {
        this.#waiting--;
      });
  }
}
