// Gets a starting manager the group's sessions, or finds out that it is the first (rules 4 to 6; ha.md 3.3).
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Clock, delay, type Logger } from "../../base/index.ts";
import { type Channel, compareAbsoluteOrder, type Member, type MemberKind } from "../../channel/index.ts";
import { StateTransferAbortedError } from "../errors.ts";
import { getAllSessions, isStarting, noContextManager } from "../message-bodies.ts";
import { SESSION_EVENTS, type SessionMessage } from "../messages.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";
import { becomeKnown } from "./become-known.ts";
import { ReceiveQueue } from "./receive-queue.ts";

/** The group as a joiner sees it. */
export interface JoinerGroup extends Pick<Channel, "localMember" | "members" | "send"> {
  /** Members that do not answer: nobody can tell what they have. */
  readonly suspects: readonly Member[];
  /** Whether a definitive answer of the membership contained the local member. */
  readonly listsLocalMember: boolean | undefined;
  kindOf(member: Member): MemberKind | undefined;
  /** Resolves when each member knows us (rule 4). Rejects with the reason of the signal only. */
  everyMemberAnswered(signal: AbortSignal): Promise<void>;
  /** All of them know us, and the first is going to be asked for state. */
  knownToAll(): void;
}

/** The manager that starts. */
export interface StateTarget {
  /** Manager name, "localhost#/app". */
  readonly contextName: string;
  /** Takes over the data of an ALL_SESSION_DATA. Throws what makes it unusable. */
  install(data: Buffer, sender: Member): void;
  /** Handles a message as if it had just arrived; throws what would refuse it. */
  replay(message: SessionMessage, sender: Member): void;
}

export interface StateJoinerDeps {
  readonly group: JoinerGroup;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ReplicationMetrics;
}

export interface StateJoinerOptions {
  /** A donor that is silent for this long is given up, and the next one asked. Tomcat: stateTransferTimeout. */
  readonly stallTimeoutMs: number;
  /** Of messages that wait for the end of the transfer. */
  readonly maxQueueBytes: number;
}

/** `None`: has no such manager. `Starting`: waits for state itself. `Failed`: refused, went away, fell silent, or sent half. */
type Answer = "State" | "None" | "Starting" | "Failed";

interface Exchange {
  readonly donor: Member;
  readonly startedMs: number;
  heardMs: number;
  blocks: number;
  readonly settle: (answer: Answer) => void;
}

const RETRY_MS = 500;
const STALL_CHECK_MS = 1000;
/** A Tomcat without sessions that sends in blocks says "complete" at once; later, its blocks have been lost (ha.md 16.6). */
const EMPTY_DONOR_MS = 1000;
/** Replayed messages in one turn of the event loop: a millisecond, in which nobody gets an acknowledgement. */
const REPLAY_SLICE = 50;
const ASK = { acknowledge: "Received", asynchronous: false } as const;
const ANSWER = { acknowledge: "None", asynchronous: true } as const;

export class StateJoiner {
  readonly #deps: StateJoinerDeps;
  readonly #options: StateJoinerOptions;
  readonly #target: StateTarget;
  readonly #queue: ReceiveQueue;
  readonly #stopping = new AbortController();
  /** By member key: what was learnt in this round. */
  readonly #answers = new Map<string, Answer>();
  readonly #told = new Map<string, Answer>();
  /** Members that changed sessions which no donor had. */
  readonly #knowMore = new Map<string, Member>();
  readonly #askedForMore = new Set<string>();
  readonly #refused = new Map<string, Member>();
  #exchange: Exchange | undefined;
  #finished = false;

  constructor(deps: StateJoinerDeps, options: StateJoinerOptions, target: StateTarget) {
    this.#deps = deps;
    this.#options = options;
    this.#target = target;
    this.#queue = new ReceiveQueue(target.contextName, options.maxQueueBytes);
  }

  /** While false, messages go to `messageReceived`; from the turn in which it becomes true, to the manager. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Tomcats that asked while this member had nothing to give: they ask once, and then serve without the group's sessions. */
  get owed(): readonly Member[] {
    const { group } = this.#deps;
    return group.members.filter((member) => this.#refused.has(member.key) && group.kindOf(member) !== "ours");
  }

  get queueSize(): number {
    return this.#queue.size;
  }

  /**
   * Resolves when the state is in and everything that arrived meanwhile is applied, or when this is the first member: never with
   * a part of the state, and without a time limit. Returns the donor, or undefined for the first. Rejects only when stopped.
   */
  async run(): Promise<Member | undefined> {
    const startedMs = this.#deps.clock.monotonic();
    await becomeKnown(this.#deps.group, this.#deps.clock, this.#stopping.signal);
    let donor: Member | undefined;
    do {
      donor = (await this.#findState()) ?? donor;
      await this.#drain();
    } while (this.#queue.takeOverflowed());
    this.#finished = true;
    this.#deps.metrics.stateTransferSeconds.observe((this.#deps.clock.monotonic() - startedMs) / 1000);
    return donor;
  }

  /** Ends `run` with StateTransferAbortedError. */
  stop(): void {
    this.#stopping.abort();
    this.#exchange?.settle("Failed");
  }

  memberDisappeared(member: Member): void {
    this.#answers.delete(member.key);
    if (this.#exchange?.donor.key === member.key) this.#exchange.settle("Failed");
  }

  /** A message for the manager while it starts. Throws what refuses it. */
  messageReceived(message: SessionMessage, sender: Member): void {
    const exchange = this.#exchange?.donor.key === sender.key ? this.#exchange : undefined;
    switch (message.event) {
      case SESSION_EVENTS.AllSessionData:
        this.#install(message, sender, exchange);
        break;
      case SESSION_EVENTS.AllSessionTransferComplete:
        if (exchange !== undefined) exchange.settle(this.#judgeComplete(exchange));
        break;
      case SESSION_EVENTS.AllSessionNoContextManager:
        exchange?.settle(isStarting(message.uniqueId) ? "Starting" : "None");
        break;
      case SESSION_EVENTS.GetAllSessions:
        this.#answerThatStarting(sender);
        // A Tomcat that asks has queued our question, and will drop it.
        if (this.#deps.group.kindOf(sender) !== "ours") exchange?.settle("Starting");
        break;
      default:
        this.#queue.add(message, sender);
    }
  }

  /** The donor, or undefined when this member may start empty. */
  async #findState(): Promise<Member | undefined> {
    this.#answers.clear();
    for (;;) {
      this.#throwIfStopped();
      const candidate = this.#nextCandidate();
      if (candidate === undefined) {
        if (this.#mayStartEmpty()) return undefined;
        await delay(this.#deps.clock, RETRY_MS, this.#stopping.signal).catch(() => undefined);
        for (const [key, answer] of this.#answers) if (answer !== "None") this.#answers.delete(key);
        continue;
      }
      const answer = await this.#ask(candidate);
      this.#answers.set(candidate.key, answer);
      if (answer === "State") return candidate;
      if (answer === "Failed") this.#deps.metrics.noStateTransferred.inc();
      this.#tell(candidate, answer);
    }
  }

  /** Members are asked again and again: only news are worth a line. */
  #tell(member: Member, answer: Answer): void {
    if (this.#told.get(member.key) === answer) return;
    this.#told.set(member.key, answer);
    this.#deps.logger.info({ manager: this.#target.contextName, member: member.name, answer }, "Member has no state to give");
  }

  /** Ours first, since theirs is a transfer in blocks; then the order of the channel, the oldest first. */
  #nextCandidate(): Member | undefined {
    const { group } = this.#deps;
    const unasked = group.members.filter((member) => !this.#answers.has(member.key));
    return unasked.find((member) => group.kindOf(member) === "ours") ?? unasked[0];
  }

  /** Rule 5. When all start together the lowest starts empty and the others wait for it. */
  #mayStartEmpty(): boolean {
    const { group } = this.#deps;
    if (group.listsLocalMember !== true || group.suspects.length > 0) return false;
    const answers = group.members.map((member) => ({ member, answer: this.#answers.get(member.key) }));
    if (answers.some(({ answer }) => answer !== "None" && answer !== "Starting")) return false;
    return answers.every(({ member, answer }) => answer === "None" || compareAbsoluteOrder(group.localMember, member) < 0);
  }

  async #ask(donor: Member): Promise<Answer> {
    const { group, clock, logger, metrics } = this.#deps;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const exchange: Exchange = { donor, startedMs: clock.monotonic(), heardMs: clock.monotonic(), blocks: 0, settle: resolve };
    this.#exchange = exchange;
    const watch = clock.setInterval(() => {
      if (clock.monotonic() - exchange.heardMs < this.#options.stallTimeoutMs) return;
      logger.warn(
        { manager: this.#target.contextName, member: donor.name, blocks: exchange.blocks },
        "State transfer stalled; asking another member",
      );
      resolve("Failed");
    }, STALL_CHECK_MS);
    metrics.sent(SESSION_EVENTS.GetAllSessions);
    logger.debug({ manager: this.#target.contextName, member: donor.name }, "Asking a member for the sessions");
    group.send([donor], { kind: "Object", body: getAllSessions(this.#target.contextName, clock.now()) }, ASK).catch((error: unknown) => {
      logger.info({ err: error, manager: this.#target.contextName, member: donor.name }, "Member could not be asked for the sessions");
      resolve("Failed");
    });
    try {
      return await promise;
    } finally {
      watch.cancel();
      this.#exchange = undefined;
    }
  }

  #install(message: SessionMessage, sender: Member, exchange: Exchange | undefined): void {
    try {
      if (message.data !== null) this.#target.install(message.data, sender);
    } catch (error) {
      exchange?.settle("Failed");
      throw error;
    }
    if (exchange === undefined) return;
    exchange.blocks++;
    // Not of just any message: a donor that has given up still tells of every change.
    exchange.heardMs = this.#deps.clock.monotonic();
  }

  /** Every donor sends at least one block, but for an empty Tomcat with sendAllSessions="false". */
  #judgeComplete(exchange: Exchange): Answer {
    const elapsedMs = this.#deps.clock.monotonic() - exchange.startedMs;
    if (exchange.blocks > 0 || elapsedMs <= EMPTY_DONOR_MS) return "State";
    this.#deps.logger.error(
      { manager: this.#target.contextName, member: exchange.donor.name, elapsedMs },
      'State did not arrive: its message ran into the donor\'s Transport "timeout" or this receiver\'s "maxFrameBytes"; raise them',
    );
    return "Failed";
  }

  #answerThatStarting(sender: Member): void {
    const { group, logger, metrics } = this.#deps;
    this.#refused.set(sender.key, sender);
    metrics.sent(SESSION_EVENTS.AllSessionNoContextManager);
    group.send([sender], { kind: "Object", body: noContextManager(this.#target.contextName, true) }, ANSWER).catch((error: unknown) => {
      logger.info({ err: error, manager: this.#target.contextName, member: sender.name }, "Member could not be told that this one starts");
    });
  }

  /** Applies what waits, and asks those who changed sessions that nobody else had. Ends in a turn in which nothing waits. */
  async #drain(): Promise<void> {
    for (;;) {
      for (let batch = this.#queue.take(); batch.length > 0; batch = this.#queue.take()) await this.#replay(batch);
      const [more] = this.#knowMore.values();
      if (more === undefined) return;
      this.#knowMore.delete(more.key);
      this.#askedForMore.add(more.key);
      await this.#ask(more);
      this.#throwIfStopped();
    }
  }

  async #replay(batch: ReturnType<ReceiveQueue["take"]>): Promise<void> {
    for (const [index, { message, sender }] of batch.entries()) {
      try {
        this.#target.replay(message, sender);
      } catch (error) {
        this.#doesNotFit(sender, error);
      }
      if (index % REPLAY_SLICE === REPLAY_SLICE - 1) await nextTurn();
    }
    this.#throwIfStopped();
  }

  /** Its sender knows more than the donor did, or less: it is asked once for its state. */
  #doesNotFit(sender: Member, error: unknown): void {
    if (this.#askedForMore.has(sender.key) || this.#knowMore.has(sender.key)) return;
    const fields = { err: error, manager: this.#target.contextName, member: sender.name };
    this.#deps.logger.info(fields, "Queued message does not fit the state: its sender is asked, too");
    this.#knowMore.set(sender.key, sender);
  }

  #throwIfStopped(): void {
    if (this.#stopping.signal.aborted) throw new StateTransferAbortedError(this.#target.contextName);
  }
}
