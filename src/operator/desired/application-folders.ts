// Applications with a source: where they lie in a worker's pod, and what brings them there.
import type { TomcatCluster } from "../../api/index.ts";
import { baseNameOf } from "../../config/index.ts";
import { definedOnly } from "./defined-only.ts";
import { WORKER_BASE } from "./names.ts";
import type { InitContainer } from "./pod-template.ts";

export type Application = NonNullable<TomcatCluster["spec"]["applications"]>[number];

/** Where init containers have the folder that they fill. */
const FILLED_FOLDER = "/application";

/** Folder of an application that has a source, absolute: two hosts may have different ones under the same path. */
export function applicationFolder({ host, path }: Application): string {
  return `${WORKER_BASE}/applications/${host}/${baseNameOf(path === "/" ? "" : path)}`;
}

export function hasSource({ source }: Application): boolean {
  return source !== undefined && Object.keys(source).length > 0;
}

export interface ApplicationParts {
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
  readonly initContainers: readonly InitContainer[];
}

/** `image`: the workers', in which `tomcat-cluster fetch` is. */
export function applicationParts({ spec }: TomcatCluster, image: string): ApplicationParts {
  const all = (spec.applications ?? []).filter(hasSource).map((application, index) => partsOf(application, `application-${index}`, image));
  return {
    volumes: all.map(({ volume }) => volume),
    volumeMounts: all.map(({ mount }) => mount),
    initContainers: all.flatMap(({ initContainer }) => initContainer ?? []),
  };
}

function partsOf(application: Application, name: string, image: string) {
  const { image: from, url, configMap, claim } = application.source ?? {};
  const mount = { name, mountPath: applicationFolder(application), readOnly: true };
  if (configMap !== undefined) return { volume: { name, configMap }, mount };
  if (claim !== undefined) {
    const volume = { name, persistentVolumeClaim: { claimName: claim.name, readOnly: true } };
    return { volume, mount: definedOnly({ ...mount, subPath: claim.path }) };
  }
  const volumeMounts = [{ name, mountPath: FILLED_FOLDER }];
  const filled =
    from === undefined
      ? { image, command: ["tomcat-cluster", "fetch", url!.address, "--sha256", url!.sha256, "--into", FILLED_FOLDER] }
      : { image: from.reference, command: ["cp", "-R", `${from.path === "/" ? "" : from.path}/.`, FILLED_FOLDER] };
  return { volume: { name, emptyDir: {} }, mount, initContainer: { name, ...filled, volumeMounts } };
}
