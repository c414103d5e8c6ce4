// serialVersionUIDs that differ between releases of Apache Tomcat: configured, or learned from what a peer sends.
import type { ClassDescriptor } from "./class-descriptor.ts";
import { TOMCAT } from "./known-classes.ts";

/** Classes without a declared SUID: the compiler's changes with the release (tribes.md 6.2). */
const COMPUTED: readonly string[] = [
  TOMCAT.memberImpl.name,
  TOMCAT.staticMember.name,
  TOMCAT.rpcMessage.name,
  TOMCAT.noRpcChannelReply.name,
  TOMCAT.byteMessage.name,
  TOMCAT.deltaSession.name,
];

/**
 * Given to an ObjectInputStream, it learns the SUID of the first descriptor received of each such class; given to an
 * ObjectOutputStream, descriptors of these classes are written with it. Configured values are never replaced.
 */
export class SuidTable {
  readonly #learnable: ReadonlySet<string>;
  readonly #suids: Map<string, bigint>;

  constructor(configured: Readonly<Record<string, bigint>> = {}, learnable: readonly string[] = COMPUTED) {
    this.#learnable = new Set(learnable);
    this.#suids = new Map(Object.entries(configured).map(([name, suid]) => [name, BigInt.asIntN(64, suid)]));
  }

  /** The SUID to write, or undefined when the descriptor's own is right. */
  get(className: string): bigint | undefined {
    return this.#suids.get(className);
  }

  learn(descriptor: ClassDescriptor): void {
    if (this.#learnable.has(descriptor.name) && !this.#suids.has(descriptor.name)) this.#suids.set(descriptor.name, descriptor.suid);
  }
}
