// The recorded changes of one session, and the bytes in which they travel (ha.md 4; Tomcat: DeltaRequest).
import { type JavaValue, ObjectInputStream, ObjectOutputStream } from "../../serialization/index.ts";
import { InvalidSessionMessageError } from "../errors.ts";

/** What an action changes; append-only, as it is on the wire. */
export const DELTA_TYPES = { Attribute: 0, Principal: 1, IsNew: 2, MaxInterval: 3, AuthType: 4, Listener: 5, Note: 6 } as const;

export const PRINCIPAL_NAME = "__SET__PRINCIPAL__";
export const MAX_INTERVAL_NAME = "__SET__MAXINTERVAL__";
export const AUTH_TYPE_NAME = "__SET__AUTHTYPE__";
export const LISTENER_NAME = "__SET__LISTENER__";

const SET = 0;
const REMOVE = 1;
const LEAST_ACTION_BYTES = 11;

export interface DeltaAction {
  /** One of DELTA_TYPES; another number when a later version invents one: carried, and ignored when applied. */
  readonly type: number;
  readonly remove: boolean;
  readonly name: string;
  /** Undefined: no value travels, which removes. */
  readonly value: JavaValue | undefined;
}

/**
 * Actions in the order of their recording. Unless `recordAllActions`, an action drops an earlier one of the same name,
 * whatever its type, and goes to the end: as Tomcat does, a note "y" drops the attribute "y".
 */
export class DeltaRequest {
  readonly recordAllActions: boolean;
  /** Made when something is recorded: most copies never record. */
  #byName: Map<string, DeltaAction> | undefined;
  #inOrder: DeltaAction[] | undefined;

  constructor(recordAllActions = false) {
    this.recordAllActions = recordAllActions;
  }

  get size(): number {
    return this.#inOrder?.length ?? this.#byName?.size ?? 0;
  }

  get actions(): Iterable<DeltaAction> {
    return this.#inOrder ?? this.#byName?.values() ?? [];
  }

  /** Whether an action of that name is recorded, of whatever type. */
  has(name: string): boolean {
    return this.#byName?.has(name) === true;
  }

  set(type: number, name: string, value: JavaValue): void {
    this.add({ type, remove: false, name, value });
  }

  remove(type: number, name: string): void {
    this.add({ type, remove: true, name, value: undefined });
  }

  add(action: DeltaAction): void {
    this.#byName ??= new Map();
    this.#byName.delete(action.name);
    this.#byName.set(action.name, action);
    if (!this.recordAllActions) return;
    this.#inOrder ??= [];
    this.#inOrder.push(action);
  }

  clear(): void {
    // An empty map is 200 bytes in each session that was ever changed here.
    this.#byName = undefined;
    this.#inOrder = undefined;
  }

  /**
   * The external form, in a stream of its own. Ours refuses a `sessionId` of another session than that of its message; a Tomcat does not
   * look at it (seen with 10.1.60).
   */
  encode(sessionId: string): Buffer {
    const output = new ObjectOutputStream();
    output.writeUTF(sessionId);
    output.writeBoolean(this.recordAllActions);
    output.writeInt(this.size);
    for (const action of this.actions) {
      output.writeInt(action.type);
      output.writeInt(action.remove ? REMOVE : SET);
      output.writeUTF(action.name);
      const value = action.value ?? null;
      output.writeBoolean(value !== null);
      if (value !== null) output.writeObject(value);
    }
    return output.toBuffer();
  }
}

export interface DecodedDelta {
  readonly sessionId: string;
  readonly recordAllActions: boolean;
  readonly actions: readonly DeltaAction[];
}

/** Reads the data of a SESSION_DELTA. Nothing of the result shares memory with `bytes`. Throws for malformed data. */
export function decodeDelta(bytes: Buffer): DecodedDelta {
  const input = new ObjectInputStream(bytes);
  const sessionId = input.readUTF();
  const recordAllActions = input.readBoolean();
  const count = input.readInt();
  if (count < 0 || count * LEAST_ACTION_BYTES > bytes.length) {
    throw new InvalidSessionMessageError(`A delta of ${bytes.length} bytes cannot hold ${count} actions`);
  }
  const actions: DeltaAction[] = [];
  for (let index = 0; index < count; index++) {
    const type = input.readInt();
    const remove = input.readInt() !== SET;
    const name = input.readUTF();
    const value = input.readBoolean() ? input.readObject() : undefined;
    actions.push({ type, remove, name, value });
  }
  return { sessionId, recordAllActions, actions };
}

/** To compare values by. */
export function valueBytes(value: JavaValue): Buffer {
  const output = new ObjectOutputStream();
  output.writeObject(value);
  return output.toBuffer();
}
