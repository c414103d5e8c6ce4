import assert from "node:assert/strict";
import { test } from "node:test";
import { keyRingOf } from "../../../../src/channel/interceptors/encryption/key-ring.ts";
import { CHANNEL_KEY_BYTES, channelKeyFile, desiredChannelSecret } from "../../../../src/operator/desired/index.ts";
import { clusterOf, DESIRED_INPUTS } from "../../../support/desired-inputs.ts";

const key = Buffer.alloc(CHANNEL_KEY_BYTES, 7);
const secret = desiredChannelSecret(clusterOf({}), DESIRED_INPUTS, 4, key);

test("a key's Secret is numbered, cannot be changed, and goes with its cluster", () => {
  assert.equal(secret.metadata.name, "shop-channel-4");
  assert.equal(secret.immutable, true);
  assert.equal(secret.metadata.ownerReferences?.length, 1);
});

test("its entry, under the name that pods give it, is a key that workers can read", () => {
  const text = Buffer.from(secret.data!.key!, "base64").toString();
  const ring = keyRingOf(
    "keys",
    new Map([
      [channelKeyFile(4), text],
      ["sending", channelKeyFile(4)],
    ]),
  );
  assert.deepEqual(ring.sending.key.export(), key);
});
