// Connectors: the attributes of Tomcat's HTTP connector.
import { CLASS_NAMES } from "../class-names.ts";
import type { ClassEntry } from "./entry.ts";
import { choice, ignored, integer, later, text, works } from "./entry.ts";

const HTTP11 = "org.apache.coyote.http11.";
const AJP = "org.apache.coyote.ajp.";
const AJP_LATER = 'AJP connectors are not supported in this version: use protocol="HTTP/1.1", the balancer speaks it';
const MAX_MS = 2_147_483_647;
const TLS = "let the balancer or an ingress end TLS";

export const CONNECTOR_CLASSES: readonly ClassEntry[] = [
  works("Connector", CLASS_NAMES.connector, {
    protocol: choice(
      "Protocol of the connections",
      {
        values: ["HTTP/1.1"],
        aliases: Object.fromEntries(
          ["Http11Protocol", "Http11NioProtocol", "Http11Nio2Protocol", "Http11AprProtocol"].map((name) => [HTTP11 + name, "HTTP/1.1"]),
        ),
        later: Object.fromEntries(
          ["AJP/1.3", ...["AjpProtocol", "AjpNioProtocol", "AjpNio2Protocol", "AjpAprProtocol"].map((name) => AJP + name)].map((name) => [
            name,
            AJP_LATER,
          ]),
        ),
      },
      { default: "HTTP/1.1" },
    ),
    address: text("IP address to listen on; unset: all addresses"),
    port: integer("TCP port; 0: any free one", 0, 65_535, { required: true }),
    connectionTimeout: integer("Ms to receive the head of a request; -1: no limit", -1, MAX_MS, { default: 60_000 }),
    keepAliveTimeout: integer("Ms that an idle connection is kept; unset: connectionTimeout; -1: no limit", -1, MAX_MS),
    maxKeepAliveRequests: integer("Requests on one connection; -1: no limit", -1, MAX_MS, { default: 100 }),
    maxHttpHeaderSize: integer("Bytes of request line and headers, when maxHttpRequestHeaderSize is not given", 256, 16_777_216, {
      default: 8192,
    }),
    maxHttpRequestHeaderSize: integer("Bytes of request line and headers; unset: maxHttpHeaderSize", 256, 16_777_216),
    maxConnections: integer("Connections at the same time; -1: no limit", -1, MAX_MS, { default: 8192 }),
    ...ignored("this connector needs no other port for TLS", ["redirectPort"], "debug"),
    ...ignored(
      "applications parse parameters, cookies and bodies themselves",
      "maxParameterCount maxPostSize maxSavePostSize maxPartCount maxPartHeaderSize maxCookieCount parseBodyMethods URIEncoding useBodyEncodingForURI".split(
        " ",
      ),
      "debug",
    ),
    ...ignored(
      "requests run on one event loop, not on threads",
      (
        "executor executorTerminationTimeoutMillis maxThreads minSpareThreads maxSpareThreads threadPriority threadsMaxIdleTime acceptorThreadPriority acceptorThreadCount " +
        "pollerThreadCount processorCache useVirtualThreads maxQueueSize minProcessors maxProcessors"
      ).split(" "),
    ),
    ...ignored(
      "the operating system and the HTTP parser of Node.js decide it",
      (
        "acceptCount bindOnInit connectionLinger connectionUploadTimeout continueResponseTiming disableUploadTimeout selectorTimeout tcpNoDelay useAsyncIO " +
        "useKeepAliveResponseHeader maxSwallowSize maxExtensionSize maxTrailerSize maxHeaderCount maxHttpResponseHeaderSize rejectIllegalHeader relaxedPathChars " +
        "relaxedQueryChars allowedTrailerHeaders encodedSolidusHandling encodedReverseSolidusHandling allowHostHeaderMismatch throwOnFailure discardFacades enableLookups asyncTimeout " +
        "compressionMinSize compressibleMimeType compressableMimeType noCompressionUserAgents noCompressionStrongETag noCompressionEncodings restrictedUserAgents " +
        "socket.appReadBufSize socket.appWriteBufSize socket.bufferPool socket.directBuffer socket.performanceBandwidth socket.rxBufSize socket.soKeepAlive " +
        "socket.soLingerOn socket.soLingerTime socket.soReuseAddress socket.soTimeout socket.tcpNoDelay socket.txBufSize socket.unlockTimeout debug"
      ).split(" "),
    ),
    ...later(
      { SSLEnabled: false, secure: false, scheme: "http", sslImplementationName: undefined, defaultSSLHostConfigName: undefined },
      TLS,
    ),
    ...later({ compression: "off" }, "let the balancer or an ingress compress"),
    ...later({
      allowTrace: false,
      allowBackslash: false,
      portOffset: "0",
      proxyName: undefined,
      proxyPort: undefined,
      server: undefined,
      serverRemoveAppProvidedValues: false,
      useIPVHosts: false,
      xpoweredBy: false,
    }),
  }),
];
