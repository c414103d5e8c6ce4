// tomcat-cluster worker: one node, configured by the server.xml of its base folder.
import { Command } from "commander";
import { createProcessRegistry, LOG_LEVELS, type LogLevel, limitHeapGrowth, systemClock, systemRandom } from "../base/index.ts";
import { choiceParser, portParser } from "./option-parsers.ts";
import { runUntilStopped } from "./run-until-stopped.ts";
import { openStandardLog } from "./standard-log.ts";

interface WorkerCommandOptions {
  readonly base: string;
  readonly dnsServer?: string;
  readonly managementAddress?: string;
  readonly managementPort: number;
  readonly logLevel: LogLevel;
}

export function workerCommand(): Command {
  return new Command("worker")
    .description("run one worker from a folder laid out like a CATALINA_BASE")
    .requiredOption("--base <dir>", "folder with conf/server.xml and webapps/")
    .option("--dns-server <host:port>", "DNS server to ask in place of resolv.conf's")
    .option("--management-address <address>", "address of /livez, /readyz and /metrics; unset: every address")
    .option("--management-port <port>", "port of the same; 0: any free one", portParser(0), 9090)
    .option("--log-level <level>", `one of ${LOG_LEVELS.join(", ")}`, choiceParser(LOG_LEVELS), "info")
    .action(runWorker);
}

async function runWorker({ logLevel, ...options }: WorkerCommandOptions): Promise<void> {
  limitHeapGrowth();
  const { StartAbortedError, Worker } = await import("../server/index.ts");
  const { logger, writeLine } = openStandardLog({ level: logLevel });
  const worker = new Worker(
    {
      environment: process.env,
      clock: systemClock,
      logger,
      random: systemRandom,
      registry: createProcessRegistry(),
      accessLog: { writeLine },
    },
    options,
  );
  const started = worker.start();
  runUntilStopped({
    stop: () => worker.stop(),
    onUncaughtError: (error) => logger.fatal({ err: error }, "Uncaught error, stopping"),
    onStopFailed: (error) => logger.error({ err: error }, "Worker did not stop in good order"),
  });
  try {
    await started;
  } catch (error) {
    // Whoever told it to stop ends the process.
    if (!(error instanceof StartAbortedError)) throw error;
  }
}
