// The certificate that clients see, from files that are looked at again: whoever renews it need not restart balancers.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import {
  asError,
  type Clock,
  fileErrorReason,
  type Lifecycle,
  type Logger,
  systemErrorCode,
  type Timer,
  TomcatClusterError,
} from "../base/index.ts";

/** PEM texts: the certificate with its chain, and its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificatePaths {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Thrown when the files cannot be read, are no PEM, or do not belong together. */
export class CertificateError extends TomcatClusterError {
  readonly code = "CERTIFICATE";

  constructor({ certificateFile, keyFile }: CertificatePaths, reason: string, options: ErrorOptions) {
    super(`The certificate "${certificateFile}" with the key "${keyFile}" cannot be used: ${reason}`, options);
  }
}

/** A kubelet brings a changed Secret within a minute or so: more often is no use. */
const LOOK_AGAIN_MS = 30_000;

export class CertificateFiles implements Lifecycle {
  /** Hears every certificate after the first, when it can be used. */
  onChanged: (certificate: Certificate) => void = () => undefined;
  /** What is in use. */
  readonly first: Certificate;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #paths: CertificatePaths;
  #latest: Certificate;
  #timer: Timer | undefined;

  /** Reads the files. Throws CertificateError. */
  constructor(deps: { readonly clock: Clock; readonly logger: Logger }, paths: CertificatePaths) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#paths = paths;
    try {
      this.first = checked({ cert: readFileSync(paths.certificateFile, "utf8"), key: readFileSync(paths.keyFile, "utf8") });
    } catch (error) {
      throw this.#unusable(error);
    }
    this.#latest = this.first;
  }

  async start(): Promise<void> {
    this.#timer = this.#clock.setInterval(() => void this.#lookAgain(), LOOK_AGAIN_MS);
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
  }

  /** What cannot be used is told once, and what is in use stays. */
  async #lookAgain(): Promise<void> {
    const { certificateFile, keyFile } = this.#paths;
    try {
      const [cert, key] = await Promise.all([readFile(certificateFile, "utf8"), readFile(keyFile, "utf8")]);
      if (cert === this.#latest.cert && key === this.#latest.key) return;
      this.#latest = { cert, key };
      this.onChanged(checked(this.#latest));
      this.#logger.info({ certificateFile }, "Certificate was renewed");
    } catch (error) {
      this.#logger.error({ err: this.#unusable(error) }, "Certificate was not renewed, the one in use stays");
    }
  }

  #unusable(error: unknown): CertificateError {
    const isFile = systemErrorCode(error) !== undefined && "syscall" in asError(error);
    return new CertificateError(this.#paths, isFile ? fileErrorReason(error) : asError(error).message, { cause: error });
  }
}

/** Throws what OpenSSL says of texts that are no certificate and key, or not of each other. */
function checked(certificate: Certificate): Certificate {
  createSecureContext(certificate);
  return certificate;
}
