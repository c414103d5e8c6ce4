// Texts of server.xml for tests: fixtures, and a stock file around a <Cluster>.
import { readFileSync } from "node:fs";

const FIXTURES = new URL("../fixtures/server-xml/", import.meta.url);

export const DNS_MEMBERSHIP =
  '<Membership className="org.apache.catalina.tribes.membership.cloud.CloudMembershipService" membershipProviderClassName="dns" dnsName="shop-members"/>';

export function readServerXmlFixture(name: string): string {
  return readFileSync(new URL(name, FIXTURES), "utf8");
}

/** The server.xml that Tomcat 10.1 comes with, with this element inside its Engine, which gets a jvmRoute. */
export function stockServerXml(insideEngine = ""): string {
  return readServerXmlFixture("stock-10.1.xml").replace(
    '<Engine name="Catalina" defaultHost="localhost">\n\n',
    () => `<Engine name="Catalina" defaultHost="localhost" jvmRoute="worker1">\n${insideEngine}\n`,
  );
}

/** A `<Cluster>` that finds its members by DNS, whatever it did before. */
export function withDnsMembership(cluster: string): string {
  return cluster.replace(/<Membership\b[^>]*\/>/, "").replace(/<Channel\b[^>]*>/, (channel) => `${channel}${DNS_MEMBERSHIP}`);
}
