// The port behind which sessions are kept: StandardManager here, DeltaManager and BackupManager in replication.
import type { Lifecycle } from "../../base/index.ts";
import type { Session } from "./session.ts";

export interface Manager extends Lifecycle {
  /** Host and context path, "localhost#/shop", for logs and metrics. */
  readonly name: string;
  /**
   * The valid session with this id's stem, whatever its route (rule 16), or undefined. A promise only where the session has
   * to be fetched from elsewhere: the container waits for it before it calls valves and application.
   */
  findSession(id: string): Session | undefined | Promise<Session | undefined>;
  /** The valid sessions that are here, in no particular order. */
  findSessions(): Iterable<Session>;
  /**
   * A new session under a fresh id, or one with this stem, which no session may have, with the local route. Throws
   * TooManySessionsError at a limit.
   */
  createSession(stem?: string): Session;
  /** The session was changed, or ended, by none of its requests. A promise, which never rejects, where others have to be told. */
  sessionChanged(session: Session): Promise<void> | undefined;
  /** Gives the session this id; the old one stays an alias for 60 s (rule 16). */
  changeSessionId(session: Session, newId: string): void;
  /** A fresh id with the local route, for `changeSessionId`. */
  generateSessionId(): string;
  readonly activeSessions: number;
  /** Called every 10 s by the engine: expiry scan. */
  backgroundProcess(): void;
}
