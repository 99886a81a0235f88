import { dlopen, FFIType } from "bun:ffi";
import { closeSync, openSync } from "node:fs";

/** From <linux/sched.h>. */
const CLONE_NEWNET = 0x40000000;

/** The caller's own network, and the way from one to another; loaded when it is first needed. */
let world:
  | { readonly home: number; readonly enter: (fd: number) => void }
  | null = null;

/**
 * Runs `open` with the network of a namespace, so that the socket it makes belongs there for good (setns(2) concerns sockets
 * made later, by this thread). `open` must make its socket before it returns, as `Bun.listen`, `Bun.serve` and
 * `Bun.connect` with an address do.
 */
export function inNamespace<T>(netns: string, open: () => T): T {
  const { home, enter } = world ??= openWorld();
  const there = openSync(`/run/netns/${netns}`, "r");
  try {
    enter(there);
    try {
      return open();
    } finally {
      enter(home);
    }
  } finally {
    closeSync(there);
  }
}

function openWorld() {
  const { setns } = dlopen("libc.so.6", {
    setns: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  }).symbols;
  return {
    home: openSync("/proc/thread-self/ns/net", "r"),
    enter(fd: number): void {
      if (setns(fd, CLONE_NEWNET) === 0) return;
      throw new Error("Cannot enter a network namespace: expected root");
    },
  };
}
