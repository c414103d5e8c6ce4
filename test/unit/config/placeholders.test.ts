// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of server.xml look like those of templates
import assert from "node:assert/strict";
import { test } from "node:test";
import { replacePlaceholders } from "../../../src/config/placeholders.ts";

const SOURCES = {
  environment: { POD_NAME: "shop-0", EMPTY: "", NESTED: "${POD_NAME}", "catalina.base": "/srv/shop", UNSET: undefined },
  readFile(path: string): string {
    if (path === "/run/secrets/key") return "s3cret ${POD_NAME}\r\n\n";
    throw new Error(`ENOENT: no such file or directory, open '${path}'`);
  },
};

for (const [text, expected] of [
  ["plain", "plain"],
  ["", ""],
  ["${POD_NAME}", "shop-0"],
  ["a-${POD_NAME}-${POD_NAME}", "a-shop-0-shop-0"],
  ["${catalina.base}/webapps", "/srv/shop/webapps"],
  ["${EMPTY}", ""],
  ["${EMPTY:-default}", ""],
  ["${MISSING:-default}", "default"],
  ["${MISSING:-}", ""],
  ["${UNSET:-a:-b}", "a:-b"],
  ["${NESTED}", "${POD_NAME}"],
  ["${file:/run/secrets/key}", "s3cret ${POD_NAME}"],
  ["costs 5$ {not} $POD_NAME ${", "costs 5$ {not} $POD_NAME ${"],
] as const) {
  test(`"${text}" becomes "${expected}"`, () => {
    assert.deepEqual(replacePlaceholders(text, SOURCES), { value: expected });
  });
}

for (const [text, expected] of [
  ["${MISSING}", /"\$\{MISSING\}" is not set in the environment/],
  ["${UNSET}", /"\$\{UNSET\}" is not set/],
  ["${toString}", /is not set/],
  ["${__proto__}", /is not set/],
  ["${}", /names no variable/],
  ["${:-x}", /names no variable/],
  ["${file:}", /names no file/],
  ["${file:/gone}", /"\$\{file:\/gone\}" cannot be read: ENOENT/],
  ["${POD_NAME} ${MISSING}", /MISSING/],
] as const) {
  test(`"${text}" is a problem`, () => {
    const replaced = replacePlaceholders(text, SOURCES);
    assert.ok("problem" in replaced);
    assert.match(replaced.problem, expected);
  });
}
