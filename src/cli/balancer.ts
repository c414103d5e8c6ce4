// tomcat-cluster balancer: the front, configured by a settings file.
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { parseAllDocuments } from "yaml";
import {
  asError,
  createProcessRegistry,
  fileErrorReason,
  LifecycleGroup,
  systemClock,
  systemRandom,
  TomcatClusterError,
} from "../base/index.ts";
import type { BalancerSettings } from "../config/index.ts";
import { apiServerAddress } from "./api-server-address.ts";
import { portParser } from "./option-parsers.ts";
import { printOut } from "./print-out.ts";
import { runUntilStopped } from "./run-until-stopped.ts";
import { openStandardLog } from "./standard-log.ts";

interface BalancerCommandOptions {
  readonly config?: string;
  readonly helpConfig?: boolean;
  readonly dnsServer?: string;
  readonly managementAddress?: string;
  readonly managementPort?: number;
}

/** Thrown for a settings file that cannot be read or is no YAML. */
class SettingsFileError extends TomcatClusterError {
  readonly code = "SETTINGS_FILE";

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`The balancer settings "${file}" cannot be read: ${reason}`, options);
  }
}

export function balancerCommand(): Command {
  return new Command("balancer")
    .description("run the front: sticky sessions, failover, draining")
    .option("--config <file>", "settings, YAML or JSON")
    .option("--help-config", "print what a settings file may say")
    .option("--dns-server <host:port>", "DNS server to ask; overrides discovery.server")
    .option("--management-address <address>", "overrides management.address")
    .option("--management-port <port>", "overrides management.port; 0: any free one", portParser(0))
    .action(runBalancer);
}

async function runBalancer(options: BalancerCommandOptions, command: Command): Promise<void> {
  const { balancerSettingsHelp, parseBalancerSettings } = await import("../config/index.ts");
  if (options.helpConfig) {
    printOut(balancerSettingsHelp());
    return;
  }
  const file = options.config;
  if (file === undefined) command.error("error: required option '--config <file>' not specified");
  const settings = withOverrides(parseBalancerSettings(await readDocument(file), file), options);

  const [{ Balancer }, { ManagementServer }] = await Promise.all([import("../balancer/index.ts"), import("../management/index.ts")]);
  const { logger } = openStandardLog({});
  const registry = createProcessRegistry();
  const management = new ManagementServer({ logger, registry }, settings.management);
  const balancer = new Balancer({ clock: systemClock, random: systemRandom, logger, registry, management }, settings);
  const parts = new LifecycleGroup([management, balancer]);
  const started = parts.start();
  runUntilStopped({
    stop: async () => {
      await started;
      await parts.stop();
    },
    onUncaughtError: (error) => logger.fatal({ err: error }, "Uncaught error, stopping"),
    onStopFailed: (error) => logger.error({ err: error }, "Balancer did not stop in good order"),
  });
  await started;
}

async function readDocument(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new SettingsFileError(file, fileErrorReason(error), { cause: error });
  }
  const documents = parseAllDocuments(text);
  const [document, second] = "empty" in documents ? [] : documents;
  const [syntaxError] = document?.errors ?? [];
  if (syntaxError) throw new SettingsFileError(file, syntaxError.message.trimEnd(), { cause: syntaxError });
  if (second) throw new SettingsFileError(file, "it has a second document, and one is all that it may have");
  try {
    return document?.toJS();
  } catch (error) {
    // Aliases that would make a small file a large value.
    throw new SettingsFileError(file, asError(error).message, { cause: error });
  }
}

function withOverrides(settings: BalancerSettings, options: BalancerCommandOptions): BalancerSettings {
  const { dnsServer, managementAddress, managementPort } = options;
  const { management } = settings;
  return {
    ...settings,
    management: { address: managementAddress ?? management.address, port: managementPort ?? management.port },
    discovery: withSurroundings(settings.discovery, dnsServer),
  };
}

function withSurroundings(discovery: BalancerSettings["discovery"], dnsServer: string | undefined): BalancerSettings["discovery"] {
  if (discovery.type === "DNS" && dnsServer !== undefined) return { ...discovery, server: dnsServer };
  if (discovery.type !== "EndpointSlice" || discovery.apiServer !== undefined) return discovery;
  const apiServer = apiServerAddress(process.env);
  return apiServer === undefined ? discovery : { ...discovery, apiServer };
}
