// What the workers run: hosts, applications and where they come from, and a server.xml of the user's own.
import { z } from "zod";
import { dataKey, hostName, image, mapList, objectName } from "./schema-parts.ts";

export const hosts = mapList(
  z.object({
    name: hostName.describe("Name that the Host header is compared with"),
    aliases: z.array(hostName).max(16).default([]).meta({ "x-kubernetes-list-type": "set" }).describe("Further names of the host"),
  }),
  ["name"],
  16,
)
  .min(1)
  .default([{ name: "localhost", aliases: [] }])
  .describe("Virtual hosts; the first also takes requests for names that none has");

const folderPath = z
  .string()
  .max(512)
  .regex(/^\/$|^(\/[^/\s:]+)+$/, 'must be an absolute path without "/" at its end');

const source = z
  .object({
    image: z
      .object({
        reference: image.describe("The image; it must contain the command cp"),
        path: folderPath.default("/app").describe("Folder of the application in it"),
      })
      .optional()
      .describe("A folder of another image, copied when a pod starts"),
    url: z
      .object({
        address: z
          .string()
          .max(2048)
          .regex(/^https?:\/\/[!-~]+$/, "must be an http or https address")
          .describe("Address of an archive (.tgz, .tar.gz), reachable from the pods"),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/, "must be the SHA-256 checksum in 64 hexadecimal digits, as sha256sum prints it")
          .describe("Checksum of the archive; another one keeps the pod from starting"),
      })
      .optional()
      .describe("An archive, fetched and unpacked when a pod starts"),
    configMap: z
      .object({ name: objectName.describe("Name of the ConfigMap") })
      .optional()
      .describe("A ConfigMap whose entries are the files of the application; a change of it rolls the workers"),
    claim: z
      .object({
        name: objectName.describe("Name of the PersistentVolumeClaim, which all workers mount to read"),
        path: z
          .string()
          .max(512)
          .regex(/^[^/\s:][^\s:]*$/, "must be a path that does not begin with /")
          .optional()
          .describe("Folder of the application in it; unset: its root"),
      })
      .optional()
      .describe("A folder of a volume"),
  })
  .optional()
  .describe("Where its files come from, at most one of the fields; unset: webapps/ of the workers' image");

export const applications = mapList(
  z.object({
    host: hostName.default("localhost").describe("Name of the host that serves it"),
    path: z
      .string()
      .max(255)
      .regex(/^\/$|^(\/[A-Za-z0-9._~-]+)+$/, 'must be "/", or a path such as "/shop" of letters, digits and . _ ~ - without "/" at its end')
      .describe(
        'Path of its requests. Without a source its files are in webapps/ of the workers: "/shop" in webapps/shop, "/" in webapps/ROOT',
      ),
    distributable: z.boolean().default(true).describe("Whether its sessions are replicated"),
    source,
  }),
  ["host", "path"],
  256,
)
  .optional()
  .describe("Applications to run; unset: the first host runs every folder in webapps/");

export const configuration = z
  .object({
    serverXml: z
      .object({
        configMapKeyRef: z
          .object({ name: objectName.describe("Name of the ConfigMap"), key: dataKey.describe("Key in it") })
          .describe("Where it is; a change of it rolls the workers"),
      })
      .optional()
      .describe(
        "A server.xml of your own, into which cluster, connectors and routes are merged element by element. What says something else than " +
          "this manifest is refused, with line and column",
      ),
  })
  .prefault({})
  .describe("Configuration of the workers that this manifest does not say");
