// Where the API server is for a process in a pod: the kubelet says so in the environment of every container.

/** "https://10.96.0.1:443"; undefined outside of pods. */
export function apiServerAddress(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = environment;
  if (host === undefined || host === "") return undefined;
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
