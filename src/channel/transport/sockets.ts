// Where a channel's connections come from: a port, so that a simulation can put a network in memory below the whole transport.
import { connect, createServer, type Server, type ServerOpts, type Socket, type TcpNetConnectOpts } from "node:net";

/** As node:net's functions of these names. */
export interface Sockets {
  connect(options: TcpNetConnectOpts): Socket;
  createServer(options: ServerOpts): Server;
}

export const tcpSockets: Sockets = {
  connect: (options) => connect(options),
  createServer: (options) => createServer(options),
};
