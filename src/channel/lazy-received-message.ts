// A received message whose object is decoded when somebody asks for it.
import { type JavaValue, ObjectInputStream, peekClassName, type SuidTable } from "../serialization/index.ts";
import type { ChannelMessage, Member, ReceivedMessage } from "./channel.ts";
import { BYTE_MESSAGE } from "./wire/options.ts";

export class LazyReceivedMessage implements ReceivedMessage {
  readonly kind: "Object" | "Bytes";
  readonly className: string | undefined;
  readonly #message: ChannelMessage;
  readonly #suids: SuidTable;
  #object: JavaValue | undefined;

  constructor(message: ChannelMessage, suids: SuidTable) {
    this.#message = message;
    this.#suids = suids;
    this.kind = (message.options & BYTE_MESSAGE) === 0 ? "Object" : "Bytes";
    this.className = this.kind === "Object" ? peekClassName(message.body) : undefined;
  }

  get body(): Buffer {
    return this.#message.body;
  }

  get sender(): Member {
    return this.#message.address;
  }

  get timestamp(): number {
    return this.#message.timestamp;
  }

  get uniqueId(): Buffer {
    return this.#message.uniqueId;
  }

  object(): JavaValue {
    this.#object ??= new ObjectInputStream(this.#message.body, { suids: this.#suids }).readObject();
    return this.#object;
  }
}
