export {
  type BalancerSettings,
  type BalancerSettingsDocument,
  balancerSettingsHelp,
  InvalidBalancerSettingsError,
  parseBalancerSettings,
} from "./balancer-settings.ts";
export { CLASS_NAMES } from "./class-names.ts";
export { baseNameOf } from "./container-names.ts";
export { type ParsedServerXml, parseServerXml, parseServerXmlTree, type ServerXmlSources } from "./parse-server-xml.ts";
export { readXml } from "./read-xml.ts";
export { type AttributeDescription, describeServerXml } from "./registry/registry.ts";
export { renderServerXml, UnrepresentableTextError, type XmlNode } from "./render-xml.ts";
export type {
  AttributeValue,
  ChannelConfig,
  ClusterConfig,
  ComponentConfig,
  ConnectorConfig,
  ContextConfig,
  ContextDefaults,
  DnsMembershipConfig,
  DrainConfig,
  EngineConfig,
  HostConfig,
  Location,
  ManagerConfig,
  ManagerType,
  MembershipConfig,
  MulticastMembershipConfig,
  ReceiverConfig,
  SameSiteCookies,
  SenderConfig,
  ServerConfig,
  ServiceConfig,
  StaticMemberConfig,
  StaticMembersConfig,
  StaticMembershipConfig,
} from "./server-config.ts";
export { ServerXmlError, type ServerXmlNote, type ServerXmlProblem, type ServerXmlProblemCode } from "./server-xml-error.ts";
export type { XmlAttribute, XmlElement } from "./xml-element.ts";
