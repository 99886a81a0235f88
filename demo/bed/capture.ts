import { readFile } from "node:fs/promises";
import { BRIDGE } from "./network.ts";
import { type Program, startProgram } from "./program.ts";
import { waitFor } from "./wait.ts";

/** A recording of all packets on a bed's bridge, seen once on their way in and once on their way out. */
export interface Capture {
  /** Ends the recording, complete up to now, and returns the pcap file's bytes. */
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

/** Starts tcpdump in the node's namespace; resolves once it records. */
export async function startCapture(
  { node, file, filter, mark }: CaptureSpec,
): Promise<Capture> {
  const argv = [
    ...["tcpdump", "-i", BRIDGE, "-w", file, "-U", "-s", "0", "-Z", "root"],
    // Packets are handed over one by one, not in blocks that wait to fill.
    "--immediate-mode",
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
      await tcpdump.stop("SIGINT");
      return await readFile(file);
    },
  };
}
