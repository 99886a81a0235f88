import type { SocketAddress } from "../schemas/address.ts";
import type { BunSocket } from "./socket.ts";

/** Text of a socket's address, an IPv4-mapped one unwrapped. */
export function addressOf(
  socket: BunSocket,
  side: "remote" | "local",
): SocketAddress {
  const ip = side === "remote"
    ? socket.remoteAddress
    : (socket as unknown as { localAddress: string }).localAddress;
  const port = side === "remote"
    ? (socket as unknown as { remotePort: number }).remotePort
    : socket.localPort;
  return {
    ip: ip.startsWith("::ffff:") && ip.includes(".") ? ip.slice(7) : ip,
    port,
  };
}
