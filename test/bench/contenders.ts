// Who is measured: a balancer with two workers, ours and the real peers, with the sample shop.
import { RealHttpd } from "../support/httpd.ts";
import { LocalCluster } from "../support/local-cluster.ts";
import { RealTomcat } from "../support/tomcat.ts";
import { ENCRYPTION, encryptionsToMeasure } from "./bench-options.ts";

export interface Contender {
  readonly url: string;
  readonly balancerPid: number;
  readonly workerPids: readonly number[];
  stop(): Promise<void>;
}

type Mode = "Asynchronous" | "Synchronous";

export interface Setup {
  readonly mode: Mode;
  readonly encrypted: boolean;
}

/** Both modes, without and with encryption, as `--encryption off|on|both` says. */
export function setupsToMeasure(encryption: string): readonly Setup[] {
  return encryptionsToMeasure(encryption).flatMap((encrypted) =>
    (["Asynchronous", "Synchronous"] as const).map((mode) => ({ mode, encrypted })),
  );
}

export async function ours({ mode, encrypted }: Setup): Promise<Contender> {
  const cluster = await LocalCluster.start({
    manifest: {
      apiVersion: "tribes.dev/v1alpha1",
      kind: "TomcatCluster",
      metadata: { name: "shop" },
      spec: { replicas: 2, replication: { mode }, group: { encryption: { mode: encrypted ? "SharedKey" : "Disabled" } } },
    },
    compiled: true,
  });
  return {
    url: `${cluster.ready.url}/shop`,
    balancerPid: cluster.ready.balancer.pid,
    workerPids: cluster.ready.workers.map((worker) => worker.pid),
    stop: () => cluster.stop(),
  };
}

export async function peers({ mode, encrypted }: Setup): Promise<Contender> {
  const members = ["127.0.78.2", "127.0.78.3"];
  const tomcats = members.map(
    (address, index) =>
      new RealTomcat({
        name: `java-${index}`,
        address,
        httpPort: 8080,
        ajpPort: 8009,
        receiverPort: 4000,
        members,
        contextPath: "/shop",
        channelSendOptions: mode === "Synchronous" ? 6 : 8,
        ...(encrypted && { encryption: ENCRYPTION }),
      }),
  );
  await Promise.all(tomcats.map((tomcat) => tomcat.start()));
  const httpd = new RealHttpd(
    "127.0.78.1",
    8080,
    tomcats.map((tomcat) => ({ route: tomcat.options.name, url: `ajp://${tomcat.options.address}:8009` })),
  );
  await httpd.start();
  return {
    url: "http://127.0.78.1:8080/shop",
    balancerPid: httpd.pid,
    workerPids: tomcats.map((tomcat) => tomcat.pid),
    stop: async () => {
      await httpd.stop();
      for (const tomcat of tomcats) await tomcat.stop();
    },
  };
}
