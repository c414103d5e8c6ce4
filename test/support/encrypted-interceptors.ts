// The interceptors of an encrypted group as they stand in a server.xml, a Tomcat's or ours.

export interface ChannelEncryption {
  readonly algorithm: "AES/GCM/NoPadding" | "AES/CBC/PKCS5Padding";
  /** Hexadecimal digits. */
  readonly key: string;
  /** Default 1000000, which rule 21 asks for. */
  readonly replayWindowMessageCount?: number;
}

const PACKAGE = "org.apache.catalina.tribes.group.interceptors.";

/** In the only order that works; with the memory of rule 21, since a Tomcat drops what is older than the newest that it has forgotten. */
export function encryptedInterceptors({ algorithm, key, replayWindowMessageCount = 1_000_000 }: ChannelEncryption): string {
  const encryption = `encryptionAlgorithm="${algorithm}" encryptionKey="${key}" replayWindowMessageCount="${replayWindowMessageCount}"`;
  return `<Interceptor className="${PACKAGE}MessageDispatchInterceptor"/>
          <Interceptor className="${PACKAGE}EncryptInterceptor" ${encryption}/>
          <Interceptor className="${PACKAGE}TcpFailureDetector"/>`;
}
