import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { describeApplication } from "../../../../src/container/webapp/application-descriptor.ts";

describe("package.json of an application", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-application-"));
    writeFileSync(join(folder, "index.js"), "");
    writeFileSync(join(folder, "server.js"), "");
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const describePackage = (text: string) => {
    writeFileSync(join(folder, "package.json"), text);
    return describeApplication(folder);
  };

  for (const [text, main, distributable, sessionTimeoutSeconds, sessionPathParameter] of [
    ["{}", "index.js", true, undefined, false],
    ['{"main":"./server"}', "server.js", true, undefined, false],
    ['{"tomcatCluster":{"distributable":false,"sessionTimeoutMinutes":5,"sessionPathParameter":true}}', "index.js", false, 300, true],
    ['{"tomcatCluster":{"sessionTimeoutMinutes":-1}}', "index.js", true, -60, false],
  ] as const) {
    it(`is understood: ${text}`, async () => {
      assert.deepEqual(await describePackage(text), {
        folder,
        main: join(folder, main),
        distributable,
        sessionTimeoutSeconds,
        sessionPathParameter,
      });
    });
  }

  for (const [text, message] of [
    ["{", /package\.json" is not JSON: /],
    ["[]", /does not contain an object/],
    ['{"main":"gone.js"}', /its main module "gone\.js" does not exist; "main" names it/],
    ['{"main":1}', /"main" must be a string/],
    ['{"tomcatCluster":[]}', /"tomcatCluster" must be an object/],
    [
      '{"tomcatCluster":{"distributed":true}}',
      /no member "distributed"\. Known: distributable, sessionTimeoutMinutes, sessionPathParameter/,
    ],
    ['{"tomcatCluster":{"distributable":"yes"}}', /"tomcatCluster\.distributable" must be true or false/],
    ['{"tomcatCluster":{"sessionTimeoutMinutes":1.5}}', /"tomcatCluster\.sessionTimeoutMinutes" must be a whole number/],
  ] as const) {
    it(`is refused with a sentence: ${text}`, async () => {
      await assert.rejects(describePackage(text), (error: Error & { code: string }) => {
        assert.equal(error.code, "APPLICATION_LOAD");
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
