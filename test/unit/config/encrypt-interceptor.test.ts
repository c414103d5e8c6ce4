// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of server.xml look like those of templates
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AttributeValue, parseServerXml, ServerXmlError } from "../../../src/config/index.ts";
import { stockServerXml, withDnsMembership } from "../../support/server-xml-texts.ts";

const CLASS_NAME = "org.apache.catalina.tribes.group.interceptors.EncryptInterceptor";
const KEY = "00112233445566778899aabbccddeeff";

/** With the attributes as they stand in the file. */
function parse(attributes: string) {
  const cluster = withDnsMembership(
    `<Cluster className="org.apache.catalina.ha.tcp.SimpleTcpCluster"><Channel className="org.apache.catalina.tribes.group.GroupChannel">
      <Interceptor className="${CLASS_NAME}" ${attributes}/></Channel></Cluster>`,
  );
  return parseServerXml(stockServerXml(cluster), {
    file: "server.xml",
    environment: { KEY },
    readFile: (path) => (path === "/keys/channel" ? `${KEY}\n` : ""),
  });
}

function attributesOf(attributes: string): Readonly<Record<string, AttributeValue>> {
  return parse(attributes).config.service.engine.cluster!.channel.interceptors[0]!.attributes;
}

function problemsOf(attributes: string): readonly string[] {
  try {
    parse(attributes);
  } catch (error) {
    if (!(error instanceof ServerXmlError)) throw error;
    return error.problems.map(({ message }) => message);
  }
  return [];
}

describe("EncryptInterceptor in server.xml", () => {
  it("has Tomcat's attributes and defaults, but for the number of messages that are remembered", () => {
    assert.deepEqual(attributesOf(`encryptionKey="${KEY}"`), {
      encryptionAlgorithm: "AES/GCM/NoPadding",
      encryptionKey: KEY,
      replayWindowTime: 10_000,
      replayWindowMessageCount: 1_000_000,
    });
  });

  for (const value of ["${file:/keys/channel}", "${KEY}", `${KEY}${KEY}`, KEY + KEY.slice(16), KEY.toUpperCase()]) {
    it(`takes its key as ${value}`, () => {
      assert.match(String(attributesOf(`encryptionKey="${value}"`).encryptionKey), /^00112233445566778899aabbccddeeff/i);
    });
  }

  it("takes a folder of keys in place of one", () => {
    assert.equal(attributesOf('encryptionKeyDirectory="/run/keys"').encryptionKeyDirectory, "/run/keys");
  });

  it("ignores the provider, with a note", () => {
    const { notes } = parse(`encryptionKey="${KEY}" providerName="BC"`);
    assert.deepEqual(
      notes.filter(({ message }) => message.includes("providerName")).map(({ message }) => message),
      ['<Interceptor providerName>: "BC" is ignored: ciphers are those of Node.js'],
    );
  });

  for (const [attributes, problem] of [
    ["", '<Interceptor>: no key: give encryptionKey="${file:PATH}", or encryptionKeyDirectory'],
    [
      `encryptionKey="${KEY}" encryptionKeyDirectory="/keys"`,
      "<Interceptor encryptionKeyDirectory>: encryptionKey is given too: remove one of them",
    ],
    ['encryptionKeyDirectory=""', "<Interceptor encryptionKeyDirectory>: found nothing, must be the path of a folder"],
    [
      'encryptionKey="s3cr3t"',
      "<Interceptor encryptionKey>: found 6 characters, must be 32, 48 or 64 hexadecimal digits (a key of 16, 24 or 32 bytes)",
    ],
    [
      `encryptionKey="${KEY}" encryptionAlgorithm="AES/ECB/PKCS5Padding"`,
      '<Interceptor encryptionAlgorithm>: found "AES/ECB/PKCS5Padding", known: AES/GCM/NoPadding, AES/CBC/PKCS5Padding, AES/CFB/PKCS5Padding, AES/OFB/PKCS5Padding',
    ],
    [
      `encryptionKey="${KEY}" encryptionAlgorithm="AES/OFB/PKCS5Padding"`,
      '<Interceptor encryptionAlgorithm>: not supported in this version: use "AES/GCM/NoPadding" on every member',
    ],
  ] as const) {
    it(`is refused with ${attributes || "nothing"}`, () => {
      assert.deepEqual(problemsOf(attributes), [problem]);
    });
  }
});
