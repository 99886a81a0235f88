/**
 * `bun target.ts ip:port ...`: says "ready", then tells every connection the address it dialled before redirection,
 * as the kernel remembers it.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import {
  formatAddress,
  formatIp,
  parseAddress,
} from "../../../schemas/address.ts";

const libc = dlopen("libc.so.6", {
  getsockopt: {
    args: [
      FFIType.i32,
      FFIType.i32,
      FFIType.i32,
      FFIType.ptr,
      FFIType.ptr,
    ],
    returns: FFIType.i32,
  },
});

/** linux/netfilter_ipv4.h and ipv6 say 80 for both; the level tells the family. */
const SO_ORIGINAL_DST = 80;
const SOL_IP = 0;
const SOL_IPV6 = 41;
/** Bytes of sockaddr_in6, the longer of the two. */
const ADDRESS_BYTES = 28;

function originalDestination(fd: number, isIpv6: boolean): string {
  const address = new Uint8Array(ADDRESS_BYTES);
  const length = new Uint32Array([ADDRESS_BYTES]);
  const level = isIpv6 ? SOL_IPV6 : SOL_IP;
  const failed = libc.symbols.getsockopt(
    fd,
    level,
    SO_ORIGINAL_DST,
    ptr(address),
    ptr(length),
  );
  if (failed !== 0) return "not redirected";
  const port = ((address[2] ?? 0) << 8) | (address[3] ?? 0);
  const ip = isIpv6 ? address.subarray(8, 24) : address.subarray(4, 8);
  return formatAddress({ ip: formatIp(ip), port });
}

/** Keeps `[::]` and `0.0.0.0` apart; Bun takes it, its types do not say so. */
const IPV6_ONLY = { ipv6Only: true };

for (const text of process.argv.slice(2)) {
  const { ip, port } = parseAddress(text);
  Bun.listen({
    hostname: ip,
    port,
    ...(ip.includes(":") ? IPV6_ONLY : {}),
    socket: {
      open(socket) {
        // Bun's sockets have the descriptor; its types do not say so.
        const { fd } = socket as unknown as { fd: number };
        socket.end(originalDestination(fd, ip.includes(":")));
      },
      data() {},
    },
  });
}
process.stdout.write("ready\n");
