// tomcat-cluster operator: the controller, which makes every TomcatCluster of a Kubernetes cluster run.
import { hostname } from "node:os";
import { Command, Option } from "commander";
import { createProcessRegistry, favourMemory, LOG_LEVELS, type LogLevel, systemClock, systemRandom } from "../base/index.ts";
import { apiServerAddress } from "./api-server-address.ts";
import { addressParser, booleanParser, choiceParser, type ListenAddress, namesParser, numberParser } from "./option-parsers.ts";
import { packageVersion } from "./package-version.ts";
import { runUntilStopped } from "./run-until-stopped.ts";
import { openStandardLog } from "./standard-log.ts";

/** Where pods have it. */
const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

interface OperatorCommandOptions {
  readonly image: string;
  readonly watchNamespaces: readonly string[];
  readonly metricsAddress: ListenAddress;
  readonly leaderElect: boolean;
  readonly rolloutDelay: number;
  readonly namespace?: string;
  readonly identity: string;
  readonly kubeconfig?: string;
  readonly serviceAccount: string;
  readonly logLevel: LogLevel;
}

/** The names of the environment variables are those that operators have as a rule. */
export function operatorCommand(): Command {
  return new Command("operator")
    .description("run the controller, which makes every TomcatCluster run")
    .addOption(
      new Option("--image <reference>", "the operator's own image, which clusters without one of their own run")
        .env("OPERATOR_IMAGE")
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--watch-namespaces <names>", "namespaces to look after, with commas between them; none: all")
        .env("WATCH_NAMESPACES")
        .argParser(namesParser)
        .default([], "all"),
    )
    .addOption(
      new Option("--metrics-address <host:port>", "address of /livez, /readyz and /metrics; port 0: any free one")
        .env("METRICS_ADDRESS")
        .argParser(addressParser)
        .default({ address: undefined, port: 9090 }, ":9090, every address"),
    )
    .addOption(
      // With a value: of a flag without one, commander takes any text in the environment as a yes.
      new Option("--leader-elect [boolean]", "wait until no other operator leads")
        .env("LEADER_ELECT")
        .argParser(booleanParser)
        .preset("true")
        .default(false),
    )
    .addOption(
      new Option("--rollout-delay <seconds>", "between the updates of two clusters to the operator's image, where they are automatic")
        .env("ROLLOUT_DELAY")
        .argParser(numberParser(0, 86_400))
        .default(0),
    )
    .addOption(new Option("--namespace <name>", "namespace of the operator and of its Lease; unset: the credentials'").env("POD_NAMESPACE"))
    .addOption(
      new Option("--identity <name>", "name that no other process has")
        .env("POD_NAME")
        .default(ownIdentity(), "the host name and eight digits of chance"),
    )
    .option("--kubeconfig <file>", "credentials; unset: what KUBECONFIG names, the pod's service account, outside of pods ~/.kube/config")
    .addOption(
      new Option("--service-account <folder>", "token, ca.crt and namespace of the pod's service account").default(SERVICE_ACCOUNT_FOLDER),
    )
    .addOption(
      new Option("--log-level <level>", `one of ${LOG_LEVELS.join(", ")}`)
        .env("LOG_LEVEL")
        .argParser(choiceParser(LOG_LEVELS))
        .default("info"),
    )
    .action(runOperator);
}

async function runOperator({
  logLevel,
  metricsAddress,
  leaderElect,
  rolloutDelay,
  serviceAccount,
  ...options
}: OperatorCommandOptions): Promise<void> {
  favourMemory();
  const { operatorProcess } = await import("../operator/index.ts");
  const { logger } = openStandardLog({ level: logLevel });
  const onFailed = (error: unknown) => {
    logger.fatal({ err: error }, "The operator cannot go on, stopping");
    ending.begin(1);
  };
  const parts = operatorProcess(
    { clock: systemClock, random: systemRandom, logger, registry: createProcessRegistry(), onFailed },
    {
      ...options,
      serviceAccount: podAccount(serviceAccount),
      electsLeader: leaderElect,
      rolloutDelayMs: rolloutDelay * 1000,
      management: metricsAddress,
      version: packageVersion(),
    },
  );
  const started = parts.start();
  const ending = runUntilStopped({
    stop: async () => {
      await started;
      await parts.stop();
    },
    onUncaughtError: (error) => logger.fatal({ err: error }, "Uncaught error, stopping"),
    onStopFailed: (error) => logger.error({ err: error }, "Operator did not stop in good order"),
  });
  await started;
}

/** Undefined outside of pods, and where KUBECONFIG names another one. */
function podAccount(directory: string): { readonly server: string; readonly directory: string } | undefined {
  const server = apiServerAddress(process.env);
  return server === undefined || process.env.KUBECONFIG ? undefined : { server, directory };
}

/** Two processes of one name would both lead: on one host, or in pods that have the node's network and no POD_NAME. */
function ownIdentity(): string {
  return `${hostname()}_${systemRandom.bytes(4).toString("hex")}`;
}
