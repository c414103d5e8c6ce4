// Replicated maps of one group: of a real Apache Tomcat's Tribes, in Java processes, and of ours, on loopback addresses.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Registry, silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { ChannelMetrics } from "../../src/channel/channel-metrics.ts";
import type { AbstractReplicatedMap } from "../../src/replication/map/abstract-replicated-map.ts";
import { LazyReplicatedMap } from "../../src/replication/map/lazy-replicated-map.ts";
import type { MapValues } from "../../src/replication/map/map-values.ts";
import { ReplicatedMap } from "../../src/replication/map/replicated-map.ts";
import {
  defineClass,
  expectString,
  JavaObject,
  type JavaValue,
  javaObject,
  ObjectInputStream,
  ObjectOutputStream,
} from "../../src/serialization/index.ts";
import { ChannelCluster } from "./channel-cluster.ts";
import { JavaProgram } from "./java-program.ts";
import { MAP_ID, Words, wordValues } from "./map-group.ts";
import { GROUP_NAME } from "./tomcat.ts";
import { until } from "./until.ts";

export type MapKindName = "lazy" | "replicated";

/** One member's map. What it says of an entry is "Primary of 2 [3]: one two", or "nothing". */
export interface SharedMap {
  /** Last byte of its address. */
  readonly name: string;
  readonly isJava: boolean;
  put(key: string, words: string): Promise<void>;
  /** Gets the value, adds the word, tells the others. */
  add(key: string, word: string): Promise<void>;
  /** The words, as a user of the map has them. */
  get(key: string): Promise<string>;
  remove(key: string): Promise<void>;
  entry(key: string): Promise<string>;
  /** Names of the other members that have the map. */
  members(): Promise<string>;
  /** Tells the others. */
  stop(): Promise<void>;
  /** The others have to find out. */
  kill(): Promise<void>;
}

const PORT = 4000;
const SERIALIZABLE = 0x02;
const WORDS = defineClass("Words", 1n, SERIALIZABLE, { text: "Ljava/lang/String;" });

/** Values as Words.java writes them. */
const javaWordValues: MapValues<Words> = {
  ...wordValues,
  write: ({ words }) => {
    const stream = new ObjectOutputStream();
    stream.writeObject(javaObject(WORDS, { text: words.join(" ") }));
    return stream.toBuffer();
  },
  read: (bytes) => {
    const value = new ObjectInputStream(bytes).readObject();
    if (!(value instanceof JavaObject)) throw new Error("No words");
    return new Words(expectString(value.field("text") as JavaValue).split(" "));
  },
};

export class SharedMaps {
  readonly members: SharedMap[] = [];
  readonly #cluster = new ChannelCluster(PORT);
  readonly #network: string;
  readonly #kind: MapKindName;
  readonly #names: readonly number[];
  readonly #folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-maps-"));

  /** `network`: "127.0.86."; `names`: last bytes of the addresses that DNS lists. */
  constructor(network: string, names: readonly number[], kind: MapKindName) {
    this.#network = network;
    this.#kind = kind;
    this.#names = names;
    this.#cluster.resolver.found(...names.map((name) => `${network}${name}`));
  }

  /** Resolves when the map is started and every member has it for one of the map. */
  async start(name: number, isJava: boolean): Promise<SharedMap> {
    const address = `${this.#network}${name}`;
    const member = isJava ? await this.#startJava(String(name), address) : await this.#startOurs(String(name), address);
    this.members.push(member);
    await until("all know one another", async () => {
      for (const one of this.members) if ((await one.members()) !== namesOf(this.members.filter((other) => other !== one))) return false;
      return true;
    });
    return member;
  }

  async kill(member: SharedMap): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    await member.kill();
  }

  async leave(member: SharedMap): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    await member.stop();
  }

  /** Waits until one member serves the entry with these words, and the others have or know what they should. */
  async agreed(key: string, words: string, primary?: SharedMap): Promise<void> {
    let entries: readonly string[] = [];
    await until(`"${key}" is "${words}" everywhere`, async () => {
      entries = await Promise.all(this.members.map((member) => member.entry(key)));
      return this.#isAgreed(entries, words, primary);
    }).catch((error: unknown) => {
      const said = this.members.map(({ name }, index) => `${name}: ${entries[index]}`).join("; ");
      throw new Error(`The members say ${said}`, { cause: error });
    });
  }

  async gone(key: string): Promise<void> {
    await until(`"${key}" is nowhere`, async () => {
      const entries = await Promise.all(this.members.map((member) => member.entry(key)));
      return entries.every((entry) => entry === "nothing");
    });
  }

  async stop(): Promise<void> {
    for (const member of this.members.splice(0)) await member.kill();
    await this.#cluster.stopAll();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #isAgreed(entries: readonly string[], words: string, primary: SharedMap | undefined): boolean {
    const serving = this.members.findIndex(({ name }, index) => entries[index]!.startsWith(`Primary of ${name} `));
    const server = this.members[serving];
    if (server === undefined || (primary !== undefined && server !== primary)) return false;
    const node = /\[(.*)\]/.exec(entries[serving]!)![1]!;
    if (this.#kind === "lazy" && !this.members.some((member) => member !== server && member.name === node)) return false;
    return this.members.every((member, index) => {
      const entry = entries[index]!;
      if (member === server) return entry === `Primary of ${server.name} [${node}]: ${words}`;
      if (this.#kind === "replicated") return isCopy(member, entry, server, words);
      const place = `of ${server.name} [${node}]`;
      return entry === (member.name === node ? `Backup ${place}: ${words}` : `Proxy ${place}`);
    });
  }

  async #startJava(name: string, address: string): Promise<SharedMap> {
    const hosts = join(this.#folder, name);
    const listed = this.#names.map((listedName) => `${this.#network}${listedName} ${GROUP_NAME}\n`);
    writeFileSync(hosts, `${listed.join("")}${address} ${hostname()}\n`);
    const program = await JavaProgram.start("MapPeer", {
      args: [address, String(PORT), this.#kind, MAP_ID, String(this.members.length)],
      javaOptions: [`-Djdk.net.hosts.file=${hosts}`],
      env: { DNS_MEMBERSHIP_SERVICE_NAME: GROUP_NAME },
    });
    return new JavaMap(name, program);
  }

  async #startOurs(name: string, address: string): Promise<SharedMap> {
    const node = await this.#cluster.start(address, { timeoutMs: 5000 });
    const { channel } = node;
    const deps = {
      channel,
      clock: systemClock,
      logger: silentLogger,
      random: systemRandom,
      metrics: new ChannelMetrics(new Registry()),
      values: javaWordValues,
      isOurs: (member: (typeof channel.members)[number]) => channel.hello.kindOf(member) !== "Tomcat",
    };
    const options = { mapId: MAP_ID, pingPeriodMs: 500 };
    const map = this.#kind === "lazy" ? new LazyReplicatedMap(deps, options) : new ReplicatedMap(deps, options);
    const stopChannel = () => this.#cluster.stop(node, { goodbye: false });
    await map.start();
    return new OurMap(name, map, stopChannel);
  }
}

/** A Tomcat's map that has served an entry goes on to say so, and hears nothing of members that come later. */
function isCopy(member: SharedMap, entry: string, server: SharedMap, words: string): boolean {
  const shown = entry.replace(/ \[.*\]/, "");
  if (member.isJava && shown === `Primary of ${server.name}: ${words}`) return true;
  return shown === `Copy of ${server.name}: ${words}`;
}

function namesOf(members: readonly { readonly name: string }[]): string {
  return members
    .map(({ name }) => name)
    .sort()
    .join(",");
}

class JavaMap implements SharedMap {
  readonly name: string;
  readonly isJava = true;
  readonly #program: JavaProgram;
  #asked = 0;

  constructor(name: string, program: JavaProgram) {
    this.name = name;
    this.#program = program;
  }

  async put(key: string, words: string): Promise<void> {
    await this.#ask(`put ${key} ${words}`);
  }

  async add(key: string, word: string): Promise<void> {
    await this.#ask(`add ${key} ${word}`);
  }

  get(key: string): Promise<string> {
    return this.#ask(`get ${key}`);
  }

  async remove(key: string): Promise<void> {
    await this.#ask(`remove ${key}`);
  }

  entry(key: string): Promise<string> {
    return this.#ask(`entry ${key}`);
  }

  members(): Promise<string> {
    return this.#ask("members");
  }

  async stop(): Promise<void> {
    await this.#ask("stop");
  }

  kill(): Promise<void> {
    return this.#program.stop();
  }

  /** It answers one line after the other. */
  async #ask(line: string): Promise<string> {
    const turn = this.#asked++;
    this.#program.tell(line);
    await this.#program.until(`an answer to "${line}"`, () => this.#program.lines("answer").length > turn);
    return this.#program.lines("answer")[turn]!.slice("answer ".length);
  }
}

class OurMap implements SharedMap {
  readonly name: string;
  readonly isJava = false;
  readonly #map: AbstractReplicatedMap<Words>;
  readonly #stopChannel: () => Promise<void>;

  constructor(name: string, map: AbstractReplicatedMap<Words>, stopChannel: () => Promise<void>) {
    this.name = name;
    this.#map = map;
    this.#stopChannel = stopChannel;
  }

  async put(key: string, words: string): Promise<void> {
    await this.#map.put(key, new Words(words.split(" ")));
  }

  async add(key: string, word: string): Promise<void> {
    const value = await this.#map.get(key);
    if (value === undefined) throw new Error(`There is no "${key}"`);
    await this.#map.replicate(key, value.add(word));
  }

  async get(key: string): Promise<string> {
    const value = await this.#map.get(key);
    return value === undefined ? "null" : value.words.join(" ");
  }

  async remove(key: string): Promise<void> {
    await this.#map.remove(key);
  }

  async entry(key: string): Promise<string> {
    const entry = this.#map.peek(key);
    if (entry === undefined) return "nothing";
    const primary = entry.primary === undefined ? "nobody" : nameOf(entry.primary.address);
    const nodes = namesOf(entry.nodes.map(({ address }) => ({ name: nameOf(address) })));
    return `${entry.kind} of ${primary} [${nodes}]${entry.value === undefined ? "" : `: ${entry.value.words.join(" ")}`}`;
  }

  async members(): Promise<string> {
    return namesOf(this.#map.mapMembers.map(({ address }) => ({ name: nameOf(address) })));
  }

  async stop(): Promise<void> {
    await this.#map.stop();
    await this.#stopChannel();
  }

  async kill(): Promise<void> {
    await this.#stopChannel();
    await this.#map.stop();
  }
}

function nameOf(address: string): string {
  return address.slice(address.lastIndexOf(".") + 1);
}
