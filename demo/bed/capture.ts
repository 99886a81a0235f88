import { readFile } from "node:fs/promises";
import { Problem } from "../../schemas/problem.ts";
import { BRIDGE } from "./network.ts";
import { type Program, startProgram } from "./program.ts";
import { waitFor } from "./wait.ts";

/** A recording of all packets on a bed's bridge, seen once on their way in and once on their way out. */
export interface Capture {
  /** Ends the recording and returns the pcap file's bytes; fails when it is not complete up to now. */
  stop(): Promise<Buffer>;
}

export interface CaptureSpec {
  /** Network namespace of the node. */
  readonly node: string;
  /** Where the packets go. */
  readonly file: string;
  readonly filter: string;
  /** Sends a datagram with this text over the bridge. */
  readonly mark: (text: string) => Promise<void>;
}

/**
 * Kernel memory for packets that tcpdump has not taken yet, in KiB. Handed over one by one, each takes a slot of 64 KiB
 * or more whatever its size: tcpdump's own 2 MiB are full after 32, within a millisecond of its not being scheduled.
 */
const BUFFER_KIB = 65_536;

/** Starts tcpdump in the node's namespace; resolves once it records. */
export async function startCapture(
  { node, file, filter, mark }: CaptureSpec,
): Promise<Capture> {
  const argv = [
    ...["tcpdump", "-i", BRIDGE, "-w", file, "-U", "-s", "0", "-Z", "root"],
    // Packets are handed over one by one, not in blocks that wait to fill.
    ...["--immediate-mode", "-B", String(BUFFER_KIB)],
    `(${filter}) or udp dst port 9`,
  ];
  const tcpdump: Program = startProgram(node, argv, { uid: 0 });
  await tcpdump.line("listening on");
  return {
    async stop() {
      const last = `capture-${crypto.randomUUID()}`;
      await mark(last);
      await waitFor(
        async () => (await readFile(file)).includes(last) || null,
        { what: () => `the end of the capture; tcpdump: ${tcpdump.tail()}` },
      );
      const { stderr } = await tcpdump.stop("SIGINT");
      const [, lost = "an unknown number of"] =
        /^(\d+) packets? dropped by kernel/m.exec(stderr) ?? [];
      if (lost === "0") return await readFile(file);
      throw new Problem(
        "system.failed",
        `Cannot trust the capture: ${lost} packets were lost, expected none`,
      );
    },
  };
}
