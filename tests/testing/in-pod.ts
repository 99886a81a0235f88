import { dlopen, FFIType } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import type { Pod } from "../../demo/bed/pod.ts";

const libc = dlopen("libc.so.6", {
  setns: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
}).symbols;
/** From <linux/sched.h>. */
const CLONE_NEWNET = 0x40000000;

const home = openSync("/proc/thread-self/ns/net", "r");

/**
 * Runs `open` with the network of a pod, so that the socket it makes belongs there for good (setns(2) concerns sockets
 * made later, by this thread). `open` must make its socket before it returns, as `Bun.listen`, `Bun.serve` and
 * `Bun.connect` with an address do: tests then hold both ends of what goes through the proxies in one process.
 */
export function inPod<T>(pod: Pick<Pod, "netns">, open: () => T): T {
  const there = openSync(`/run/netns/${pod.netns}`, "r");
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

function enter(fd: number): void {
  if (libc.setns(fd, CLONE_NEWNET) !== 0) {
    throw new Error("Cannot enter a network namespace: expected root");
  }
}
