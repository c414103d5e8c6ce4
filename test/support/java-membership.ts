// A channel of Apache Tomcat's Tribes that finds its members itself, in a Java process; see MembershipPeer.java.
import { JavaProgram } from "./java-program.ts";

export class JavaMembership {
  readonly #program: JavaProgram;

  private constructor(program: JavaProgram) {
    this.#program = program;
  }

  /** Resolves when its channel has started. `membership` is as MembershipPeer.java describes it. */
  static async start(address: string, port: number, membership: readonly string[]): Promise<JavaMembership> {
    return new JavaMembership(await JavaProgram.start("MembershipPeer", { args: [address, String(port), ...membership] }));
  }

  /** "added 127.0.0.2 east payload", "disappeared 127.0.0.2", each kind in its order. */
  get added(): readonly string[] {
    return this.#program.lines("added");
  }

  get disappeared(): readonly string[] {
    return this.#program.lines("disappeared");
  }

  get received(): readonly string[] {
    return this.#program.lines("received").map((line) => line.slice("received ".length));
  }

  /** Resolves when its coordinator has this view, the leader first. */
  async viewed(view: readonly string[]): Promise<void> {
    await this.until(`its view is ${view.join(", ")}`, () => {
      this.#program.tell("view");
      return this.#program.lines("view").at(-1) === ["view", ...view].join(" ");
    });
  }

  /** To all of its members. */
  send(options: number, text: string): void {
    this.#program.tell(`send ${options} ${text}`);
  }

  /** See JavaProgram. */
  until(what: string, holds: () => boolean): Promise<void> {
    return this.#program.until(what, holds);
  }

  /** Resolves when its channel has said good-bye. */
  async leave(): Promise<void> {
    this.#program.tell("stop");
    await this.until("it has stopped", () => this.#program.lines("stopped").length === 1);
  }

  /** As when it is killed. */
  kill(): Promise<void> {
    return this.#program.stop();
  }
}
