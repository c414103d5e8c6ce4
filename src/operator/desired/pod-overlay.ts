// template.podOverlay: what a user wants of pods beyond all fields, merged over what we make.

/** Lists whose entries are told apart by a field, as the Kubernetes API merges them. All others are replaced as a whole. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  volumes: "name",
  env: "name",
  imagePullSecrets: "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  ports: "containerPort",
  hostAliases: "ip",
  topologySpreadConstraints: "topologyKey",
};

/** Objects by field, the lists above by key, with new entries at their end; null removes a field; anything else replaces. */
export function mergeOverlay(base: unknown, overlay: unknown, field = ""): unknown {
  if (isObject(overlay)) {
    const merged = new Map<string, unknown>(isObject(base) ? Object.entries(base) : []);
    for (const [name, value] of Object.entries(overlay)) {
      if (value === null) merged.delete(name);
      else merged.set(name, mergeOverlay(merged.get(name), value, name));
    }
    return Object.fromEntries(merged);
  }
  const key = MERGE_KEYS[field];
  if (!Array.isArray(overlay) || !Array.isArray(base) || key === undefined) return overlay;
  const entries = [...base];
  for (const entry of overlay) {
    const index = isObject(entry) ? entries.findIndex((present) => isObject(present) && present[key] === entry[key]) : -1;
    if (index === -1) entries.push(mergeOverlay(undefined, entry));
    else entries[index] = mergeOverlay(entries[index], entry);
  }
  return entries;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
