import { dlopen, FFIType, ptr } from "bun:ffi";
import { formatIp, type SocketAddress } from "../schemas/address.ts";

/** libc is the only way to options that Bun's sockets do not expose (measured: about 30 us a call, once a connection). */
const libc = dlopen("libc.so.6", {
  getsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
    returns: FFIType.i32,
  },
  setsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32],
    returns: FFIType.i32,
  },
  listen: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
}).symbols;

/** From <linux/in.h>, <linux/tcp.h>, <linux/netfilter_ipv4.h>, <linux/netfilter_ipv6/ip6_tables.h>. */
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SOL_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_USER_TIMEOUT = 18;
const SOL_IP = 0;
const SO_ORIGINAL_DST = 80;
const SOL_IPV6 = 41;
const IP6T_SO_ORIGINAL_DST = 80;

// Where options are passed to the kernel and back, at addresses found once. Over an ArrayBuffer of their own, which stays
// where it is: the collector moves small arrays without one.
const value = new Int32Array(new ArrayBuffer(4));
const valueAt = ptr(value);
const sockaddr = new Uint8Array(new ArrayBuffer(28));
const sockaddrAt = ptr(sockaddr);

function setInt(
  fd: number,
  level: number,
  option: number,
  wanted: number,
): void {
  value[0] = wanted;
  libc.setsockopt(fd, level, option, valueAt, value.byteLength);
}

/** TCP settings of one side's sockets; undefined leaves the kernel's default. */
export interface TcpOptions {
  readonly keepAliveMs?: number | undefined;
  readonly userTimeoutMs?: number | undefined;
}

/**
 * Applies the settings to one of Bun's sockets, or to a listener, whose connections inherit them: nothing to do at each.
 * Keep-alive is always on, as in Linkerd; the rest only when configured.
 */
export function applyTcpOptions(socket: object, options: TcpOptions): void {
  const { fd } = socket as { readonly fd: number };
  setNoDelay(fd);
  setKeepAlive(fd, options.keepAliveMs);
  if (options.userTimeoutMs !== undefined) {
    setUserTimeout(fd, options.userTimeoutMs);
  }
}

/** Sends small writes at once (TCP_NODELAY). */
export function setNoDelay(fd: number): void {
  setInt(fd, SOL_TCP, TCP_NODELAY, 1);
}

/** Turns keep-alive on; the idle time before the first probe is rounded up to whole seconds. */
export function setKeepAlive(fd: number, idleMs: number | undefined): void {
  setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (idleMs !== undefined) {
    setInt(fd, SOL_TCP, TCP_KEEPIDLE, Math.max(1, Math.ceil(idleMs / 1_000)));
  }
}

/** How long sent data may stay unacknowledged before the kernel gives the connection up (RFC 5482). */
export function setUserTimeout(fd: number, timeoutMs: number): void {
  setInt(fd, SOL_TCP, TCP_USER_TIMEOUT, timeoutMs);
}

/** Changes the backlog of a listening socket: listen(2) may be called again. */
export function setBacklog(fd: number, backlog: number): void {
  libc.listen(fd, backlog);
}

/** Where the application had dialled before netfilter redirected the connection; null when nothing redirected it. */
export function originalDestination(
  fd: number,
  family: "v4" | "v6",
): SocketAddress | null {
  const v4 = family === "v4";
  const level = v4 ? SOL_IP : SOL_IPV6;
  const option = v4 ? SO_ORIGINAL_DST : IP6T_SO_ORIGINAL_DST;
  value[0] = sockaddr.length;
  if (libc.getsockopt(fd, level, option, sockaddrAt, valueAt) !== 0) {
    return null;
  }
  const port = ((sockaddr[2] ?? 0) << 8) | (sockaddr[3] ?? 0);
  const ip = v4 ? sockaddr.subarray(4, 8) : sockaddr.subarray(8, 24);
  return { ip: formatIp(ip), port };
}
