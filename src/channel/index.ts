export type {
  Acknowledge,
  Carrier,
  Channel,
  ChannelListener,
  ErrorHandler,
  Member,
  MembershipListener,
  OutgoingMessage,
  ReceivedMessage,
  SendOptions,
} from "./channel.ts";
export { ChannelMetrics } from "./channel-metrics.ts";
export { type CreateChannelDeps, createChannel } from "./create-channel.ts";
export type { ChannelDescription, MemberDescription } from "./describe-channel.ts";
export {
  AckTimeoutError,
  ChannelError,
  ConnectError,
  ConnectionLostError,
  DatagramTooLargeError,
  type FaultyMember,
  IllegalSendOptionsError,
  MemberRemovedError,
  NoUdpPortError,
  QueueFullError,
  QuietRefusalError,
  RemoteProcessError,
  SenderStoppedError,
} from "./errors.ts";
export type { GroupChannel, StopOptions } from "./group-channel.ts";
export type { MemberKind } from "./hello.ts";
export type { RpcCarrier } from "./rpc-carrier.ts";
export { type ReplyMode, type RpcCallOptions, RpcChannel, type RpcHandler, type RpcReply, type RpcResult } from "./rpc-channel.ts";
export {
  ChannelStoppedError,
  InterceptorOrderError,
  NoDestinationError,
  TooManyCallsError,
  UnknownInterceptorError,
} from "./stack-errors.ts";
export { compareAbsoluteOrder, createMember, type MemberFields } from "./wire/member-block.ts";
export { memberFromJava, memberToJava } from "./wire/member-object.ts";
export { fromOptionBits } from "./wire/options.ts";
