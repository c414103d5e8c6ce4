import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, silentLogger, systemRandom } from "../../../../src/base/index.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { ChannelInterceptor } from "../../../../src/channel/interceptor.ts";
import { EncryptInterceptor } from "../../../../src/channel/interceptors/encrypt-interceptor.ts";
import { MessageDispatchInterceptor } from "../../../../src/channel/interceptors/message-dispatch-interceptor.ts";
import { createInterceptors, INTERCEPTORS, type InterceptorTable } from "../../../../src/channel/interceptors/registry.ts";
import { TcpFailureDetector } from "../../../../src/channel/interceptors/tcp-failure-detector.ts";
import { parseServerXml } from "../../../../src/config/index.ts";
import { defaultAttributes } from "../../../../src/config/registry/registry.ts";
import { encryption, failureDetector, INTERCEPTOR_PACKAGE, interceptorConfig, messageDispatch } from "../../../support/channel-cluster.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RecordingAbove, RecordingBelow, testMessage } from "../../../support/recording-layers.ts";

const deps = {
  clock: new ManualClock(),
  logger: silentLogger,
  metrics: new ChannelMetrics(new Registry()),
  random: systemRandom,
  maxFrameBytes: 67_108_864,
  sendTimeoutMs: 3000,
};

class Nothing extends ChannelInterceptor {}

function named(className: string) {
  return { className, attributes: {}, location: { file: "server.xml", line: 12, column: 7 } };
}

describe("the registry of interceptors", () => {
  it("makes the configured ones in their order, by full name, simple name, or the name of old", () => {
    const kinds = (configs: Parameters<typeof createInterceptors>[1]) =>
      createInterceptors(deps, configs).map((interceptor) => interceptor.constructor);
    assert.deepEqual(kinds([messageDispatch(), failureDetector()]), [MessageDispatchInterceptor, TcpFailureDetector]);
    assert.deepEqual(kinds([failureDetector(), { ...messageDispatch(), className: "MessageDispatchInterceptor" }]), [
      TcpFailureDetector,
      MessageDispatchInterceptor,
    ]);
    assert.deepEqual(kinds([{ ...messageDispatch(), className: `${INTERCEPTOR_PACKAGE}MessageDispatch15Interceptor` }]), [
      MessageDispatchInterceptor,
    ]);
  });

  it("finds every attribute that it needs in what config fills in", () => {
    const xml = `<Server><Service name="Catalina"><Connector port="8080"/><Engine name="Catalina" defaultHost="localhost"><Host name="localhost"/>
      <Cluster className="org.apache.catalina.ha.tcp.SimpleTcpCluster"><Channel className="org.apache.catalina.tribes.group.GroupChannel">
        <Membership className="org.apache.catalina.tribes.membership.cloud.CloudMembershipService" membershipProviderClassName="dns" dnsName="group.test"/>
      </Channel></Cluster></Engine></Service></Server>`;
    const { config } = parseServerXml(xml, { file: "server.xml", environment: {}, readFile: () => "" });
    const channel = config.service.engine.cluster!.channel;
    assert.deepEqual(
      createInterceptors(deps, channel.interceptors).map((interceptor) => interceptor.constructor),
      [MessageDispatchInterceptor, TcpFailureDetector],
    );
  });

  it("makes each one of the attributes that config fills in", () => {
    for (const name of Object.keys(INTERCEPTORS)) {
      if (["EncryptInterceptor", "MessageDispatch15Interceptor"].includes(name)) continue;
      const className = `${INTERCEPTOR_PACKAGE}${name}`;
      const [interceptor] = createInterceptors(deps, [{ ...named(className), attributes: defaultAttributes("Interceptor", className) }]);
      assert.equal(interceptor!.constructor.name, name);
    }
  });

  it("lets a message wait for those before it only while its sender waits for it", async () => {
    const clock = new ManualClock();
    const attributes = { ...defaultAttributes("Interceptor", `${INTERCEPTOR_PACKAGE}OrderInterceptor`), expire: 3000 };
    const [order] = createInterceptors({ ...deps, clock, sendTimeoutMs: 1000 }, [{ ...named("OrderInterceptor"), attributes }]);
    const above = new RecordingAbove();
    order!.link(above, new RecordingBelow());
    const number = Buffer.from([0, 0, 0, 2]);
    void order!.messageReceived(testMessage({ body: number }));
    await clock.advance(499);
    assert.equal(above.messages.length, 0);
    await clock.advance(1);
    assert.equal(above.messages.length, 1);
  });

  it("takes nothing to inflate, or to keep, from who is not known to have the key", () => {
    for (const name of ["FragmentationInterceptor", "GzipInterceptor", "OrderInterceptor", "TwoPhaseCommitInterceptor"]) {
      const config = { ...named(name), attributes: defaultAttributes("Interceptor", `${INTERCEPTOR_PACKAGE}${name}`) };
      assert.equal(createInterceptors(deps, [config, encryption()]).length, 2);
      assert.throws(() => createInterceptors(deps, [encryption(), config]), {
        code: "INTERCEPTOR_ORDER",
        message: `server.xml:12:7: "${name}" must stand above "EncryptInterceptor": move it up`,
      });
    }
  });

  it("has leaders elected by messages of the group, among members that answer (rules 3, 20)", () => {
    const names = (name: string, below: string) => `server.xml:1:1: "${name}" must stand above "${below}": move it up`;
    const [elects, sorts] = ["NonBlockingCoordinator", "SimpleCoordinator"].map((name) => interceptorConfig(name));
    assert.equal(createInterceptors(deps, [elects!, sorts!, encryption(), failureDetector()]).length, 4);
    for (const below of [encryption(), failureDetector()]) {
      const message = names("NonBlockingCoordinator", below.className.split(".").at(-1)!);
      assert.throws(() => createInterceptors(deps, [below, elects!]), { code: "INTERCEPTOR_ORDER", message });
    }
    const message = names("SimpleCoordinator", "TcpFailureDetector");
    assert.throws(() => createInterceptors(deps, [failureDetector(), sorts!]), { code: "INTERCEPTOR_ORDER", message });
  });

  it("keeps probes, which are plain, from layers that change each body", () => {
    for (const name of ["FragmentationInterceptor", "OrderInterceptor", "TwoPhaseCommitInterceptor"]) {
      assert.throws(() => createInterceptors(deps, [failureDetector(), named(name)]), {
        code: "INTERCEPTOR_ORDER",
        message: `server.xml:12:7: "${name}" must stand above "TcpFailureDetector": move it up`,
      });
    }
  });

  it("has asynchronous messages confirmed before their caller goes on (rule 9)", () => {
    for (const className of ["MessageDispatchInterceptor", "MessageDispatch15Interceptor"]) {
      assert.throws(() => createInterceptors(deps, [{ ...messageDispatch(), className }, named("TwoPhaseCommitInterceptor")]), {
        code: "INTERCEPTOR_ORDER",
        message: 'server.xml:12:7: "TwoPhaseCommitInterceptor" must stand above "MessageDispatchInterceptor": move it up',
      });
    }
  });

  it("has no message wait for the order of one whose confirmation is behind it", () => {
    assert.throws(() => createInterceptors(deps, [named("OrderInterceptor"), named("TwoPhaseCommitInterceptor")]), {
      code: "INTERCEPTOR_ORDER",
      message: 'server.xml:12:7: "TwoPhaseCommitInterceptor" must stand above "OrderInterceptor": move it up',
    });
  });

  it("has the members of a configuration at the bottom, where every other layer sees them", () => {
    const configured = interceptorConfig("StaticMembershipInterceptor");
    assert.equal(createInterceptors(deps, [failureDetector(), configured]).length, 2);
    assert.throws(() => createInterceptors(deps, [configured, failureDetector()]), {
      code: "INTERCEPTOR_ORDER",
      message: 'server.xml:1:1: "StaticMembershipInterceptor" must stand below all others: move it to the end',
    });
  });

  it("makes an EncryptInterceptor of what config fills in, and only above the failure detector", () => {
    const encrypt = encryption();
    const kinds = createInterceptors(deps, [messageDispatch(), encrypt, failureDetector()]).map((interceptor) => interceptor.constructor);
    assert.deepEqual(kinds, [MessageDispatchInterceptor, EncryptInterceptor, TcpFailureDetector]);
    assert.throws(() => createInterceptors(deps, [failureDetector(), encrypt]), {
      code: "INTERCEPTOR_ORDER",
      message: 'server.xml:1:1: "EncryptInterceptor" must stand above "TcpFailureDetector": move it up',
    });
    assert.throws(() => createInterceptors(deps, [encryption({ encryptionKeyDirectory: "/nowhere/keys" })]), {
      code: "ENCRYPTION_KEY",
      message: /"\/nowhere\/keys" cannot be read/,
    });
  });

  it("names what there is, and the place in the file, for an unknown name", () => {
    for (const className of ["com.example.Shuffle", "toString"]) {
      assert.throws(() => createInterceptors(deps, [named(className)]), {
        code: "UNKNOWN_INTERCEPTOR",
        message: `server.xml:12:7: there is no interceptor "${className}". There are: ${Object.keys(INTERCEPTORS).join(", ")}`,
      });
    }
  });

  it("refuses the same one twice, under whatever name", () => {
    assert.throws(() => createInterceptors(deps, [messageDispatch(), named("MessageDispatch15Interceptor")]), {
      code: "INTERCEPTOR_ORDER",
      message: 'server.xml:12:7: "MessageDispatch15Interceptor" stands in this Channel already: remove one of them',
    });
  });

  it("refuses an order in which an interceptor stands below one that it must be above", () => {
    const table: InterceptorTable = {
      Encrypt: { create: () => new Nothing(), mustBeAbove: ["Detector"] },
      Detector: { create: () => new Nothing() },
    };
    assert.equal(createInterceptors(deps, [named("Encrypt"), named("Detector")], table).length, 2);
    assert.equal(createInterceptors(deps, [named("Encrypt")], table).length, 1);
    assert.throws(() => createInterceptors(deps, [named("Detector"), named("Encrypt")], table), {
      code: "INTERCEPTOR_ORDER",
      message: 'server.xml:12:7: "Encrypt" must stand above "Detector": move it up',
    });
  });
});
