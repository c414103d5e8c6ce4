import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { convertAttribute } from "../../../src/config/attribute-type.ts";
import { CLASS_NAMES } from "../../../src/config/class-names.ts";
import { parseServerXml, ServerXmlError } from "../../../src/config/index.ts";
import { findClass } from "../../../src/config/registry/registry.ts";
import { stockServerXml, withDnsMembership } from "../../support/server-xml-texts.ts";

/** Of a Channel whose members DNS finds. */
function problemsOf(attributes: string): readonly string[] {
  const channel = `<Channel className="${CLASS_NAMES.groupChannel}"><Interceptor className="${CLASS_NAMES.domainFilterInterceptor}" ${attributes}/></Channel>`;
  const cluster = withDnsMembership(`<Cluster className="${CLASS_NAMES.simpleTcpCluster}">${channel}</Cluster>`);
  try {
    parseServerXml(stockServerXml(cluster), { file: "server.xml", environment: {}, readFile: () => "" });
  } catch (error) {
    if (!(error instanceof ServerXmlError)) throw error;
    return error.problems.map(({ message }) => message);
  }
  return [];
}

describe("DomainFilterInterceptor in server.xml", () => {
  it("is refused where it would take no member: those found by DNS have no domain", () => {
    assert.deepEqual(problemsOf(""), []);
    assert.deepEqual(problemsOf('domain="" logInterval="1"'), []);
    assert.deepEqual(problemsOf('domain="east"'), [
      '<Interceptor domain>: members found by DNS have no domain: with "east" none of them would be taken. Remove the attribute',
    ]);
  });

  it("takes a domain in Tomcat's forms", () => {
    const { attributes } = findClass("Interceptor", CLASS_NAMES.domainFilterInterceptor)!;
    const { type } = (attributes as Exclude<typeof attributes, "any">).domain!;
    for (const text of ["east", "zone-ä", "", "{}", "{1}", "{1,-2,127,-128}"])
      assert.deepEqual(convertAttribute(type, text), { value: text });
    for (const text of ["{", "{1", "{1,}", "{128}", "{-129}", "{a}", "東京"]) {
      const problem = `found "${text}", must be text of Latin letters, or bytes as in "{1,-2,3}"`;
      assert.deepEqual(convertAttribute(type, text), { problem });
    }
  });
});
