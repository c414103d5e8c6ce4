// tomcat-cluster local: a TomcatCluster manifest on this machine, as processes.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { createLogger, NODE_FLAGS, systemClock, systemRandom } from "../base/index.ts";
import type { LocalEvent } from "../local/index.ts";
import { describeFailure } from "./failure.ts";
import { watchNpmParent } from "./npm-parent.ts";
import { portParser } from "./option-parsers.ts";
import { runUntilStopped } from "./run-until-stopped.ts";

interface LocalCommandOptions {
  readonly port: number;
  readonly network?: string;
  readonly restart: boolean;
  readonly json: boolean;
}

/** This program, for the processes that it starts: main.ts from a checkout, main.js from the package. */
const ENTRY = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./main.ts" : "./main.js", import.meta.url));

export function localCommand(): Command {
  return new Command("local")
    .description("run a TomcatCluster manifest on this machine: processes in place of pods")
    .argument("<file>", "the manifest; its applications lie in webapps/ beside it")
    .option("--port <port>", "port of the balancer on 127.0.0.1; 0: any free one", portParser(0), 8080)
    .option("--network <127.0.K.0/24>", "addresses of the balancer and the workers; default: the first free network from K = 5")
    .option("--no-restart", "leave a worker that dies dead")
    .option("--json", "print one JSON object per event", false)
    .action(runLocal);
}

async function runLocal(file: string, options: LocalCommandOptions, command: Command): Promise<void> {
  const { describeEvent, fetchReadiness, fetchServingWorkers, LocalCluster, parseNetwork, planCluster, welcome } = await import(
    "../local/index.ts"
  );
  const network = options.network === undefined ? undefined : parseNetwork(options.network);
  const plan = await planCluster(file);
  for (const notice of plan.notices) console.error(notice);
  const print = (event: LocalEvent) => {
    if (options.json) console.log(JSON.stringify(event));
    else if (event.event === "ready") {
      console.log(welcome(event, { name: plan.name, network: cluster.network, paths: plan.paths, folder: cluster.folder }));
    } else console.log(describeEvent(event));
  };
  const debug = command.optsWithGlobals<{ debug?: boolean }>().debug === true;
  const report = (error: unknown) => console.error(describeFailure(error, { debug }));
  const cluster = new LocalCluster(
    {
      clock: systemClock,
      random: systemRandom,
      logger: createLogger({ level: "warn" }, process.stderr),
      spawn,
      fetchReadiness,
      fetchServingWorkers,
      onEvent: print,
      onTrouble: (text) => console.error(text),
      onFailed: (error) => {
        report(error);
        ending.begin(1);
      },
    },
    {
      plan,
      port: options.port,
      ...(network && { network }),
      restart: options.restart,
      program: [process.execPath, ...NODE_FLAGS, ...process.execArgv.filter((flag) => !flag.startsWith("--inspect")), ENTRY],
      environment: process.env,
    },
  );
  const started = cluster.start();
  const ending = runUntilStopped({
    stop: async () => {
      await started;
      if (!options.json) console.log("Stopping …");
      await cluster.stop();
    },
    abandon: () => cluster.abandon(),
    onUncaughtError: report,
    onStopFailed: report,
  });
  watchNpmParent(() => ending.begin(0));
  await started;
}
