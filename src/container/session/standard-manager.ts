// Sessions of one process, kept nowhere else (Tomcat: StandardManager without its file).
import { ManagerBase } from "./manager-base.ts";
import { StandardSession } from "./standard-session.ts";

export class StandardManager extends ManagerBase {
  protected newSession(id: string, maxInactiveIntervalSeconds: number): StandardSession {
    return new StandardSession(this, id, maxInactiveIntervalSeconds);
  }
}
