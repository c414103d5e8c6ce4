import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Certificate, CertificateFiles } from "../../../src/balancer/certificate-files.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryLog } from "../../support/memory-log.ts";

describe("CertificateFiles", () => {
  const folder = mkdtempSync(join(tmpdir(), "certificate-"));
  const paths = { certificateFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") };
  let one: Certificate;
  let two: Certificate;
  let clock: ManualClock;
  let log: MemoryLog;

  before(() => {
    one = makeCertificate(folder, "one");
    two = makeCertificate(folder, "two");
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    clock = new ManualClock();
    log = new MemoryLog();
    put(one);
  });

  function put({ cert, key }: Certificate): void {
    writeFileSync(paths.certificateFile, cert);
    writeFileSync(paths.keyFile, key);
  }

  function files(): CertificateFiles {
    return new CertificateFiles({ clock, logger: log.logger }, paths);
  }

  /** Lets it look again, and waits until it has said what it found. */
  async function lookAgain(): Promise<void> {
    const lines = log.lines.length;
    await clock.advance(30_000);
    while (log.lines.length === lines) await new Promise((resolve) => setImmediate(resolve));
  }

  it("has what the files hold, and then what they are changed to", async () => {
    const certificate = files();
    assert.deepEqual(certificate.first, one);
    const heard: Certificate[] = [];
    certificate.onChanged = (changed) => heard.push(changed);
    await certificate.start();
    put(two);
    await lookAgain();
    assert.deepEqual(heard, [two]);
    await certificate.stop();
  });

  it("keeps what is in use when the new files cannot be used, and says why once", async () => {
    const certificate = files();
    certificate.onChanged = () => assert.fail("it cannot be used");
    await certificate.start();
    put({ cert: two.cert, key: one.key });
    await lookAgain();
    assert.deepEqual(
      log.lines.map(({ msg }) => msg),
      ["Certificate was not renewed, the one in use stays"],
    );
    await certificate.stop();
  });

  for (const [what, make, reason] of [
    ["a file that is not there", () => rmSync(paths.keyFile), /cannot be used: there is no such file$/],
    ["a file that is no PEM", () => writeFileSync(paths.certificateFile, "no"), /cannot be used: \S/],
    ["a key of another certificate", () => put({ cert: one.cert, key: two.key }), /cannot be used: .*key values mismatch/],
  ] as const) {
    it(`refuses ${what}`, () => {
      make();
      assert.throws(files, { code: "CERTIFICATE", message: reason });
    });
  }
});
