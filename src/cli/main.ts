#!/usr/bin/env node
// The one command, tomcat-cluster: finds the subcommand, and turns what it throws into a message and an exit code.
import { Command, CommanderError } from "commander";
import { balancerCommand } from "./balancer.ts";
import { crdCommand } from "./crd.ts";
import { describeFailure } from "./failure.ts";
import { fetchCommand } from "./fetch.ts";
import { localCommand } from "./local.ts";
import { operatorCommand } from "./operator.ts";
import { packageVersion } from "./package-version.ts";
import { renderCommand } from "./render.ts";
import { endOnSignals } from "./run-until-stopped.ts";
import { verifyCommand } from "./verify.ts";
import { workerCommand } from "./worker.ts";

const USAGE_EXIT_CODE = 2;

function createProgram(): Command {
  const program = new Command("tomcat-cluster")
    .description("HTTP sessions that survive the worker that keeps them: a cluster that speaks Apache Tomcat's wire format")
    .version(packageVersion())
    .option("--debug", "print stack traces of errors");
  for (const command of [
    localCommand(),
    workerCommand(),
    balancerCommand(),
    operatorCommand(),
    verifyCommand(),
    crdCommand(),
    renderCommand(),
    fetchCommand(),
  ])
    program.addCommand(command);
  for (const command of [program, ...program.commands]) command.exitOverride().showHelpAfterError("(--help lists the options)");
  return program;
}

async function main(): Promise<void> {
  endOnSignals();
  const program = createProgram();
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === "commander.unknownCommand") {
        console.error(`Known commands: ${program.commands.map((command) => command.name()).join(", ")}`);
      }
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
      return;
    }
    console.error(describeFailure(error, { debug: program.opts<{ debug?: boolean }>().debug === true }));
    // Not only the exit code: what a command had started may still hold the process.
    process.exit(1);
  }
}

await main();
