// Sessions of ours to a real Tomcat, and from there to a new worker of ours: what that one has must be what the first one had.
import { LoadGenerator } from "../bench/load-generator.ts";
import type { ChannelEncryption } from "./encrypted-interceptors.ts";
import { TestWorkers } from "./test-workers.ts";
import { GROUP_NAME, RealTomcat } from "./tomcat.ts";

export interface ThroughTomcatOptions {
  /** "127.0.K": the network of the three members. */
  readonly network: string;
  readonly sessions: number;
  readonly sessionBytes: number;
  readonly encryption?: ChannelEncryption | undefined;
  /** As in TestWorkersOptions. */
  readonly compiled?: boolean;
}

export interface ThroughTomcat {
  readonly given: number;
  readonly inTomcat: number;
  readonly taken: number;
  /** Whether ids and attributes of what was taken are those of what was given. */
  readonly equal: boolean;
}

export async function sendThroughTomcat(options: ThroughTomcatOptions): Promise<ThroughTomcat> {
  const ours = [`${options.network}.2`, `${options.network}.3`];
  const java = `${options.network}.4`;
  const members = [...ours, java];
  const encryption = options.encryption ? { encryption: options.encryption } : {};
  const workers = await TestWorkers.start({
    ...{ addresses: ours, groupAddresses: members, groupName: GROUP_NAME, started: 1, channelSendOptions: 6 },
    compiled: options.compiled ?? false,
    ...encryption,
  });
  const tomcat = new RealTomcat({
    ...{ name: "java", address: java, httpPort: 8080, receiverPort: 4000, members, channelSendOptions: 6 },
    ...encryption,
  });
  const load = new LoadGenerator();
  try {
    await load.fill(workers.url(0), options.sessions, options.sessionBytes);
    const given = (await workers.cluster(0, "?digest")).managers[0]!;
    await tomcat.start();
    const inTomcat = Number(await (await fetch(`${tomcat.url}/x?op=count`)).text());
    await workers.end(0);
    await workers.launch(1);
    const taken = (await workers.cluster(1, "?digest")).managers[0]!;
    return { given: given.sessions, inTomcat, taken: taken.sessions, equal: taken.digest === given.digest };
  } finally {
    await load.stop();
    await tomcat.stop();
    await workers.stop();
  }
}
