// tomcat-cluster crd: the CustomResourceDefinition, for kubectl apply.
import { Command } from "commander";
import { printOut } from "./print-out.ts";

export function crdCommand(): Command {
  return new Command("crd").description("print the CustomResourceDefinition of TomcatCluster").action(printCrd);
}

async function printCrd(): Promise<void> {
  const { customResourceDefinitionYaml } = await import("../api/index.ts");
  printOut(customResourceDefinitionYaml());
}
