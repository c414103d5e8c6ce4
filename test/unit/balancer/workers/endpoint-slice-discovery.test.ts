import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndpointSliceDiscovery } from "../../../../src/balancer/workers/discovery/endpoint-slice-discovery.ts";
import type { KubeObject, Selection, WatchListener } from "../../../../src/kube-watch/index.ts";
import { MemoryLog } from "../../../support/memory-log.ts";

/** An API server whose words are the test's. */
class PlayedSource {
  selection: Selection | undefined;
  listener: WatchListener<KubeObject> | undefined;
  isStopped = false;
  #asked: () => void = () => undefined;
  readonly asked = new Promise<void>((resolve) => (this.#asked = resolve));

  async namespace(): Promise<string> {
    return "own";
  }

  watchList<T extends KubeObject>(selection: Selection, listener: WatchListener<T>): { stop(): Promise<void> } {
    this.selection = selection;
    this.listener = listener as WatchListener<KubeObject>;
    this.#asked();
    return {
      stop: async () => {
        this.isStopped = true;
      },
    };
  }

  list(...names: string[]): void {
    const endpoints = names.map((name) => ({ addresses: ["10.0.0.1"], targetRef: { kind: "Pod", name } }));
    const slice = { metadata: { name: "x", resourceVersion: "1" }, addressType: "IPv4", ports: [{ name: "http", port: 8080 }], endpoints };
    this.listener!.listed([slice]);
  }
}

async function discover(namespace?: string) {
  const source = new PlayedSource();
  const log = new MemoryLog();
  const discovery = new EndpointSliceDiscovery(
    { logger: log.logger, source },
    { service: "shop-workers", namespace, portName: "http", family: 4 },
  );
  const heard: string[] = [];
  discovery.onWorkers = (workers) => heard.push(workers.map(({ name }) => name).join(" "));
  const started = discovery.start();
  await source.asked;
  return { source, log, discovery, heard, started };
}

describe("EndpointSliceDiscovery", () => {
  it("watches the slices of the Service in the namespace of the pod, or in the one that it is given", async () => {
    const { source } = await discover();
    assert.deepEqual(source.selection, {
      path: "/apis/discovery.k8s.io/v1/namespaces/own/endpointslices",
      labelSelector: "kubernetes.io/service-name=shop-workers",
    });
    const other = await discover("other");
    assert.equal(other.source.selection!.path, "/apis/discovery.k8s.io/v1/namespaces/other/endpointslices");
  });

  it("has started when it has looked once, and tells every change", async () => {
    const { source, discovery, heard, started } = await discover();
    assert.equal(discovery.isUp, false);
    source.list("shop-0");
    await started;
    assert.equal(discovery.isUp, true);
    source.list("shop-0", "shop-1");
    source.list();
    assert.deepEqual(heard, ["shop-0", "shop-0 shop-1", ""]);
    await discovery.stop();
    assert.equal(source.isStopped, true);
  });

  it("starts also where the API server is not reached; that is no news, told in one line, and one when it is back", async () => {
    const { source, log, discovery, heard, started } = await discover();
    source.listener!.lost(new Error("nobody there"));
    await started;
    assert.deepEqual([heard, discovery.isUp], [[], false]);
    source.listener!.regained();
    source.list("shop-0");
    assert.deepEqual([heard, discovery.isUp], [["shop-0"], true]);
    source.listener!.lost(new Error("gone"));
    assert.deepEqual([heard, discovery.isUp], [["shop-0"], false]);
    assert.deepEqual(
      log.lines.map(({ level, msg, reason }) => [level, msg, reason]),
      [
        ["warn", "The API server cannot tell about the workers; those that are known stay", "nobody there"],
        ["info", "The API server tells about the workers again", undefined],
        ["warn", "The API server cannot tell about the workers; those that are known stay", "gone"],
      ],
    );
  });

  it("says which pods cannot be workers", async () => {
    const { source, log, heard } = await discover();
    source.list("a.b", "shop-1");
    assert.deepEqual(heard, ["shop-1"]);
    assert.deepEqual(
      log.lines.map(({ msg, pod }) => [msg, pod]),
      [["Pod ignored: its name is no route", "a.b"]],
    );
  });
});
