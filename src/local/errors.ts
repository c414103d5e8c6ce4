// What can keep a local cluster from running, each with what to do about it.
import { fileErrorReason, TomcatClusterError } from "../base/index.ts";

/** Thrown when the manifest's file cannot be read. */
export class ManifestFileError extends TomcatClusterError {
  readonly code = "MANIFEST_FILE";

  constructor(file: string, options: ErrorOptions) {
    super(`The manifest "${file}" cannot be read: ${fileErrorReason(options.cause)}`, options);
  }
}

/** Thrown when applications of the manifest have no files. */
export class ApplicationFilesError extends TomcatClusterError {
  readonly code = "APPLICATION_FILES";

  /** `source`: the kind of source that the operator would take it from. */
  constructor(missing: readonly { readonly path: string; readonly folder: string; readonly source: string | undefined }[]) {
    super(
      missing
        .map(({ path, folder, source }) => {
          const hint = source === undefined ? "" : `, and its ${source} is fetched on Kubernetes only: put its files there`;
          return `The application "${path}" has no files: there is no "${folder}"${hint}`;
        })
        .join("\n"),
    );
  }
}

/** Thrown for spec.configuration.serverXml. */
export class ServerXmlReferenceError extends TomcatClusterError {
  readonly code = "SERVER_XML_REFERENCE";

  constructor(name: string) {
    super(
      `"${name}" takes its server.xml from a ConfigMap (spec.configuration.serverXml), and there are none on this machine: ` +
        'remove the field, or run single workers with your server.xml: "tomcat-cluster worker --base <dir>"',
    );
  }
}

/** Thrown for spec.replicas of 0, with which Kubernetes parks a cluster. */
export class NoWorkersError extends TomcatClusterError {
  readonly code = "NO_WORKERS";

  constructor(name: string) {
    super(`"${name}" has spec.replicas 0: a local cluster needs at least one worker, so write 1 or more`);
  }
}

/** Thrown for a --network that is not 127.0.K.0/24. */
export class NetworkFormatError extends TomcatClusterError {
  readonly code = "NETWORK_FORMAT";

  constructor(text: string) {
    super(`"${text}" is not a network for a local cluster: write 127.0.K.0/24 with K from 1 to 254, for instance 127.0.5.0/24`);
  }
}

/** Thrown when addresses of the network, or of every network that was tried, are taken. */
export class NetworkInUseError extends TomcatClusterError {
  readonly code = "NETWORK_IN_USE";

  constructor(networks: string, taken: string, options: ErrorOptions) {
    super(
      `No room in ${networks}: ${taken} is in use. Stop the program that listens there, or choose another network with --network`,
      options,
    );
  }
}

/** Thrown where the system answers only on 127.0.0.1, as macOS does. */
export class LoopbackAliasError extends TomcatClusterError {
  readonly code = "LOOPBACK_ALIAS_MISSING";

  constructor(addresses: readonly string[], options: ErrorOptions) {
    const commands = addresses.map((address) => `  sudo ifconfig lo0 alias ${address} up`).join("\n");
    super(
      `This machine does not answer on ${addresses[0]}. Give its loopback interface the cluster's addresses, then try again:\n${commands}`,
      options,
    );
  }
}

/** Thrown when the balancer's port is taken. */
export class PortInUseError extends TomcatClusterError {
  readonly code = "PORT_IN_USE";

  constructor(port: number, options: ErrorOptions) {
    super(
      `Port ${port} on 127.0.0.1 is in use. Choose another one with --port, for instance --port ${port === 65_535 ? 8080 : port + 1}`,
      options,
    );
  }
}

/** The balancer ended before the cluster was ready. */
export class BalancerFailedError extends TomcatClusterError {
  readonly code = "BALANCER_FAILED";

  constructor(lastErrors: string) {
    super(`The balancer could not start${lastErrors === "" ? "" : `:\n${lastErrors}`}`);
  }
}
