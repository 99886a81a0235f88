import { dlopen, FFIType, ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { dial } from "./connect.ts";
import { listenTcp, type SocketChannel } from "./socket.ts";

const { getsockopt } = dlopen("libc.so.6", {
  getsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
    returns: FFIType.i32,
  },
}).symbols;

/** From <linux/socket.h> and <linux/tcp.h>. */
const OPTIONS = {
  keepAlive: [1, 9],
  noDelay: [6, 1],
  keepIdleSeconds: [6, 4],
  userTimeoutMs: [6, 18],
} as const;

/** What the kernel says of a channel's socket. */
function optionsOf({ socket }: SocketChannel): Record<string, number> {
  const { fd } = socket as unknown as { readonly fd: number };
  const read = (level: number, option: number): number => {
    const value = new Int32Array(1);
    const length = new Int32Array([4]);
    expect(getsockopt(fd, level, option, ptr(value), ptr(length))).toBe(0);
    return value[0] ?? NaN;
  };
  return Object.fromEntries(
    Object.entries(OPTIONS).map(([name, [level, option]]) =>
      [name, read(level, option)] as const
    ),
  );
}

test("accepted and dialled connections have the settings asked for", async () => {
  const tcp = { keepAliveMs: 7_500, userTimeoutMs: 30_000 };
  const accepted = Promise.withResolvers<SocketChannel>();
  const listener = listenTcp(
    { ip: "127.0.0.1", port: 0 },
    tcp,
    accepted.resolve,
  );
  const dialled = await dial(listener.address, {
    timeoutMs: 2_000,
    tcp,
    tls: null,
  });
  for (const channel of [await accepted.promise, dialled]) {
    const { keepAlive, noDelay, ...rest } = optionsOf(channel);
    expect([keepAlive, noDelay].every((set) => set !== 0)).toBeTrue();
    expect(rest).toEqual({ keepIdleSeconds: 8, userTimeoutMs: 30_000 });
  }
  dialled.destroy();
  listener.close();
});
