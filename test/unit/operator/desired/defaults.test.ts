import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { DEFAULTS, desiredObjects } from "../../../../src/operator/desired/index.ts";
import { clusterOf, DESIRED_INPUTS, objectOf } from "../../../support/desired-inputs.ts";

/** By revision: digest of the pod templates that a plain manifest makes. Released, a digest never changes; a change is a further revision. */
const TEMPLATES: readonly string[] = ["9640fdfdf517a95e"];

describe("DEFAULTS", () => {
  it("make the same pods with every version of the operator, revision by revision", () => {
    const digests = DEFAULTS.map((defaults) => {
      const objects = desiredObjects(clusterOf({}), { ...DESIRED_INPUTS, defaults });
      const templates = [objectOf(objects, "StatefulSet", "shop"), objectOf(objects, "Deployment", "shop-balancer")];
      return hash("sha256", JSON.stringify(templates.map(({ spec }) => spec.template))).slice(0, 16);
    });
    assert.deepEqual(digests, TEMPLATES);
  });
});
