// Certificates that live for two days, made by the openssl command.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Writes `name`.crt and `name`.key into the folder, self-signed for localhost and 127.0.0.1, and gives their texts. */
export function makeCertificate(folder: string, name: string): { readonly cert: string; readonly key: string } {
  const [crt, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync("openssl", [...request, "-keyout", key, "-out", crt, ...names], { stdio: "ignore" });
  return { cert: readFileSync(crt, "utf8"), key: readFileSync(key, "utf8") };
}
