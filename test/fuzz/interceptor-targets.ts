// Bodies of messages as the interceptors get them that change or hold what they receive.
import assert from "node:assert/strict";
import { Registry, silentLogger, systemRandom } from "../../src/base/index.ts";
import type { ChannelMessage } from "../../src/channel/channel.ts";
import { ChannelMetrics } from "../../src/channel/channel-metrics.ts";
import type { ChannelInterceptor } from "../../src/channel/interceptor.ts";
import { FragmentationInterceptor } from "../../src/channel/interceptors/fragmentation-interceptor.ts";
import { GzipInterceptor } from "../../src/channel/interceptors/gzip-interceptor.ts";
import { OrderInterceptor } from "../../src/channel/interceptors/order-interceptor.ts";
import { TwoPhaseCommitInterceptor } from "../../src/channel/interceptors/two-phase-commit-interceptor.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { RecordingBelow } from "../support/recording-layers.ts";
import { messageOfVector } from "../support/tribes-vectors.ts";
import type { Draw } from "./mutation.ts";
import type { Target } from "./targets.ts";

const MAX_FRAME_BYTES = 65_536;
/** After that many inputs the layer is a new one: what waits in the old one would wait for ever, since its clock stands. */
const INPUTS_OF_A_LAYER = 500;
const GZIP_FLAG = 256;
const UNIQUE_IDS = 4;

const metrics = new ChannelMetrics(new Registry());
const newDeps = () => ({ clock: new ManualClock(), logger: silentLogger, metrics, random: systemRandom });
const limits = { optionFlag: 0, expireMs: 60_000, maxFrameBytes: MAX_FRAME_BYTES };

interface HoldingLayer extends ChannelInterceptor {
  /** Absent where nothing is held. */
  readonly waitingBytes?: number;
}

function layerTarget(name: string, create: () => HoldingLayer, vectorNames: readonly string[], options: number): Target {
  const vectors = vectorNames.map(messageOfVector);
  let layer: HoldingLayer | undefined;
  let inputs = 0;
  return {
    name,
    corpus: vectors.map(({ body }) => body),
    run(input: Buffer, draw: Draw) {
      if (layer === undefined || inputs % INPUTS_OF_A_LAYER === 0) {
        layer = create();
        layer.link(SILENCE, new RecordingBelow());
      }
      inputs++;
      const [{ address, timestamp, uniqueId: known }] = vectors as [ChannelMessage];
      const uniqueId = draw(2) === 0 ? known : Buffer.alloc(16, draw(UNIQUE_IDS));
      try {
        void layer.messageReceived({ address, timestamp, options, uniqueId, body: input });
      } finally {
        assert.ok((layer.waitingBytes ?? 0) <= MAX_FRAME_BYTES);
      }
    },
  };
}

const SILENCE = {
  messageReceived({ body }: { readonly body: Buffer }) {
    assert.ok(body.length <= MAX_FRAME_BYTES);
  },
  sendFailed: () => undefined,
  memberAdded: () => undefined,
  memberDisappeared: () => undefined,
};

export const INTERCEPTOR_TARGETS: readonly Target[] = [
  layerTarget(
    "GzipInterceptor",
    () => new GzipInterceptor(newDeps(), { ...limits, optionFlag: GZIP_FLAG, compressionMinSize: 0, statsEnabled: false, interval: 0 }),
    ["gzip-frame"],
    GZIP_FLAG,
  ),
  layerTarget(
    "FragmentationInterceptor",
    () => new FragmentationInterceptor(newDeps(), { ...limits, maxSize: 1024 }),
    ["frag-0", "frag-1", "frag-2", "frag-none"],
    0,
  ),
  layerTarget(
    "OrderInterceptor",
    () => new OrderInterceptor(newDeps(), { ...limits, forwardExpired: true, maxQueue: 100 }),
    ["order-0", "order-1", "order-2"],
    0,
  ),
  layerTarget("TwoPhaseCommitInterceptor", () => new TwoPhaseCommitInterceptor(newDeps(), limits), ["2pc-message", "2pc-confirm"], 0),
];
