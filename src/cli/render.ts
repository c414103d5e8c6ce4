// tomcat-cluster render: every object that the operator would apply, without a Kubernetes cluster.
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { stringify } from "yaml";
import { fileErrorReason, TomcatClusterError } from "../base/index.ts";

interface RenderCommandOptions {
  readonly image: string;
  readonly namespace: string;
  readonly operatorNamespace: string;
  readonly serverXml?: string;
}

/** Thrown for a file that is to be rendered and cannot be read. */
class RenderFileError extends TomcatClusterError {
  readonly code = "RENDER_FILE";

  constructor(file: string, options: ErrorOptions) {
    super(`"${file}" cannot be read: ${fileErrorReason(options.cause)}`, options);
  }
}

/** Thrown when --server-xml and spec.configuration.serverXml do not go together. */
class ServerXmlOptionError extends TomcatClusterError {
  readonly code = "SERVER_XML_OPTION";
}

export function renderCommand(): Command {
  return new Command("render")
    .description("print every Kubernetes object that the operator would apply for a manifest")
    .argument("<file>", "the manifest")
    .option("--image <reference>", "the operator's image", "tomcat-cluster:latest")
    .option("--namespace <name>", "namespace, where the manifest says none", "default")
    .option("--operator-namespace <name>", "namespace of the operator, which may read the management ports", "tomcat-cluster")
    .option("--server-xml <file>", "the server.xml that the manifest's configuration.serverXml names")
    .action(renderManifest);
}

async function renderManifest(file: string, options: RenderCommandOptions): Promise<void> {
  const [{ parseManifest }, { channelSecretName, DEFAULTS, desiredObjects, INITIAL_BALANCERS, OPTIONAL_KINDS }] = await Promise.all([
    import("../api/index.ts"),
    import("../operator/desired/index.ts"),
  ]);
  const parsed = parseManifest(await readText(file), file);
  const cluster = { ...parsed, metadata: { namespace: options.namespace, ...parsed.metadata } };
  const objects = desiredObjects(cluster, {
    image: options.image,
    defaults: DEFAULTS.at(-1)!,
    operatorNamespace: options.operatorNamespace,
    workers: cluster.spec.replicas,
    channelKeys: { oldest: 1, sending: 1 },
    references: { workers: "", balancers: "" },
    knownKinds: OPTIONAL_KINDS,
    ...(await serverXmlOf(cluster.spec.configuration.serverXml !== undefined, options.serverXml)),
  });
  const notes = [
    ...(cluster.spec.group.encryption.mode === "SharedKey"
      ? [`The Secret "${channelSecretName(cluster, 1)}" with a generated key, which is not printed, comes with them.`]
      : []),
    ...(cluster.spec.balancer.replicas === undefined
      ? [`The Deployment of the balancers is created with ${INITIAL_BALANCERS} replicas, and its number is left alone afterwards.`]
      : []),
  ];
  const documents = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  process.stdout.write([...notes.map((note) => `# ${note}\n`), documents.join("---\n")].join(""));
}

async function serverXmlOf(isNamed: boolean, file: string | undefined) {
  if (file === undefined && !isNamed) return {};
  if (file === undefined) {
    throw new ServerXmlOptionError("The manifest takes its server.xml from a ConfigMap: give that text as a file with --server-xml <file>");
  }
  if (!isNamed) throw new ServerXmlOptionError("--server-xml is given, and the manifest names no server.xml: add configuration.serverXml");
  return { serverXml: { file, text: await readText(file) } };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new RenderFileError(file, { cause: error });
  }
}
