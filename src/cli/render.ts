// tomcat-cluster render: every object that the operator would apply, without a Kubernetes cluster.
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { stringify } from "yaml";
import type { TomcatCluster } from "../api/index.ts";
import { fileErrorReason, TomcatClusterError } from "../base/index.ts";
import { printOut } from "./print-out.ts";
import type { ReferencedObject } from "./referenced-files.ts";

interface RenderCommandOptions {
  readonly image: string;
  readonly namespace: string;
  readonly operatorNamespace: string;
}

/** Thrown for a file that is to be rendered and cannot be read. */
class RenderFileError extends TomcatClusterError {
  readonly code = "RENDER_FILE";

  constructor(file: string, options: ErrorOptions) {
    super(`"${file}" cannot be read: ${fileErrorReason(options.cause)}`, options);
  }
}

/** Thrown when the server.xml that a manifest names is in none of the files. */
class ServerXmlMissingError extends TomcatClusterError {
  readonly code = "SERVER_XML_MISSING";
}

export function renderCommand(): Command {
  return new Command("render")
    .description("print every Kubernetes object that the operator would apply for a manifest")
    .argument("<file>", "the manifest")
    .argument("[references...]", "files with the ConfigMaps and Secrets that the manifest names, whose content rolls the pods")
    .option("--image <reference>", "the operator's image", "tomcat-cluster:latest")
    .option("--namespace <name>", "namespace, where the manifest says none", "default")
    .option("--operator-namespace <name>", "namespace of the operator, which may read the management ports", "tomcat-cluster")
    .action(renderManifest);
}

async function renderManifest(file: string, references: readonly string[], options: RenderCommandOptions): Promise<void> {
  const [{ parseManifest }, desired] = await Promise.all([import("../api/index.ts"), import("../operator/desired/index.ts")]);
  const parsed = parseManifest(await readText(file), file);
  const cluster = { ...parsed, metadata: { namespace: options.namespace, ...parsed.metadata } };
  const resolved = await resolve(cluster, references, desired);
  const objects = desired.desiredObjects(cluster, {
    image: options.image,
    defaults: desired.DEFAULTS.at(-1)!,
    operatorNamespace: options.operatorNamespace,
    workers: cluster.spec.replicas,
    channelKeys: { oldest: 1, sending: 1 },
    references: resolved.digests,
    knownKinds: desired.OPTIONAL_KINDS,
    ...(resolved.serverXml !== undefined && { serverXml: resolved.serverXml }),
  });
  const { group, balancer } = cluster.spec;
  const notes = [
    ...(group.encryption.mode === "SharedKey"
      ? [`The Secret "${desired.channelSecretName(cluster, 1)}" with a generated key, which is not printed, comes with them.`]
      : []),
    ...(balancer.replicas === undefined
      ? [`The Deployment of the balancers is created with ${desired.INITIAL_BALANCERS} replicas, and its number is left alone afterwards.`]
      : []),
    ...(resolved.absent.length === 0
      ? []
      : [
          `The pods' annotation ${desired.CONFIGURATION_ANNOTATION} is another one with what was not given: ${resolved.absent.join(", ")}.`,
        ]),
  ];
  const documents = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  printOut([...notes.map((note) => `# ${note}\n`), documents.join("---\n")].join(""));
}

type Desired = typeof import("../operator/desired/index.ts");

/** `absent`: what the manifest names and no file has. */
async function resolve(cluster: TomcatCluster, files: readonly string[], { resolveReferences }: Desired) {
  const { parseReferencedFile } = await import("./referenced-files.ts");
  const given = (await Promise.all(files.map(async (file) => parseReferencedFile(await readText(file), file)))).flat();
  const absent = new Set<string>();
  const resolved = resolveReferences(cluster, ({ kind, name }) => {
    const isIt = (one: ReferencedObject) => one.kind === kind && one.name === name;
    const found = given.find((one) => isIt(one) && (one.namespace ?? cluster.metadata.namespace) === cluster.metadata.namespace);
    if (found === undefined) absent.add(`${kind} ${name}`);
    return found;
  });
  if (resolved.missing !== undefined) {
    throw new ServerXmlMissingError(`The manifest takes its server.xml from ${resolved.missing}; give a file with that ConfigMap, too`);
  }
  return { ...resolved, absent: [...absent] };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new RenderFileError(file, { cause: error });
  }
}
