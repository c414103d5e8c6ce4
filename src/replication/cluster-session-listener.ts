// Takes session messages off the channel and gives them to their managers (Tomcat: ClusterSessionListener; ha.md 10).
import { asError, type Logger, systemErrorCode } from "../base/index.ts";
import type { Channel, ChannelListener, Member, ReceivedMessage } from "../channel/index.ts";
import { noContextManager } from "./message-bodies.ts";
import { decodeSessionMessage, SESSION_EVENTS, SESSION_MESSAGE_CLASS, type SessionMessage } from "./messages.ts";
import { eventName, type ReplicationMetrics } from "./replication-metrics.ts";

/** A manager as far as messages reach it. */
export interface MessageTaker {
  /** Throws what refuses the message. */
  messageReceived(message: SessionMessage, sender: Member): void;
}

export interface ClusterSessionListenerDeps {
  readonly channel: Pick<Channel, "send">;
  readonly logger: Logger;
  readonly metrics: ReplicationMetrics;
  /** By manager name. */
  readonly managers: ReadonlyMap<string, MessageTaker>;
}

const ANSWER = { acknowledge: "None", asynchronous: true } as const;

export class ClusterSessionListener implements ChannelListener {
  readonly #deps: ClusterSessionListenerDeps;

  constructor(deps: ClusterSessionListenerDeps) {
    this.#deps = deps;
  }

  accept(message: ReceivedMessage): boolean {
    return message.className === SESSION_MESSAGE_CLASS;
  }

  /** Throws when the message is unreadable, or its manager refuses it, so that the sender gets a FAIL_ACK (rule 12). */
  messageReceived(received: ReceivedMessage): void {
    try {
      const message = decodeSessionMessage(received.body);
      this.#deps.metrics.received(message.event);
      this.#deliver(message, received.sender);
    } catch (error) {
      const reason = systemErrorCode(error) ?? "UNREADABLE";
      this.#deps.metrics.refused.inc({ reason });
      this.#deps.logger.debug({ err: asError(error), sender: received.sender.name }, "Session message refused");
      throw error;
    }
  }

  #deliver(message: SessionMessage, sender: Member): void {
    const { managers } = this.#deps;
    if (message.contextName === null) {
      for (const manager of managers.values()) manager.messageReceived(message, sender);
      return;
    }
    const manager = managers.get(message.contextName);
    if (manager !== undefined) manager.messageReceived(message, sender);
    else this.#unknownManager(message, message.contextName, sender);
  }

  /** No refusal: members need not have the same applications. */
  #unknownManager(message: SessionMessage, contextName: string, sender: Member): void {
    const { channel, logger, metrics } = this.#deps;
    logger.debug({ manager: contextName, sender: sender.name, type: eventName(message.event) }, "Message for a manager that is not here");
    if (message.event !== SESSION_EVENTS.GetAllSessions) return;
    metrics.sent(SESSION_EVENTS.AllSessionNoContextManager);
    channel.send([sender], { kind: "Object", body: noContextManager(contextName, false) }, ANSWER).catch((error: unknown) => {
      logger.info({ err: error, manager: contextName, member: sender.name }, "Member could not be told that there is no such manager");
    });
  }
}
