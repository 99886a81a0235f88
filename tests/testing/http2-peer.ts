import type { Pod } from "../../demo/bed/pod.ts";
import { dial } from "../../proxy/connect.ts";
import { RawPeer } from "../../proxy/http2/testing/raw-peer.ts";
import { listenTcp, type SocketChannel } from "../../proxy/socket.ts";
import { inPod } from "./in-pod.ts";

/** One end of an HTTP/2 connection in a pod, played by hand. */
export interface Http2Peer {
  readonly peer: RawPeer;
  readonly channel: SocketChannel;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
}

/** Connects from a pod and says what a client starts with, `settings` (name and value in turn) included. */
export async function dialHttp2(
  from: Pick<Pod, "netns">,
  address: { readonly ip: string; readonly port: number },
  settings: readonly number[] = [],
): Promise<Http2Peer> {
  const options = { timeoutMs: 10_000, tcp: {}, tls: null };
  const opened = play(
    await inPod(from, () => dial(address, options)),
    "client",
  );
  opened.peer.start(settings);
  return opened;
}

/** Listens on all addresses of a pod; `accept` plays the server of each connection. */
export function listenHttp2(
  pod: Pick<Pod, "netns">,
  port: number,
  accept: (peer: Http2Peer) => void,
): { close(): void } {
  const accepted: Http2Peer[] = [];
  const listener = inPod(
    pod,
    () =>
      listenTcp({ ip: "0.0.0.0", port }, {}, (channel) => {
        const opened = play(channel, "server");
        accepted.push(opened);
        accept(opened);
      }),
  );
  return {
    close() {
      listener.close();
      for (const { channel } of accepted) channel.destroy();
    },
  };
}

function play(channel: SocketChannel, role: "client" | "server"): Http2Peer {
  const peer = new RawPeer(channel, role === "server");
  const closed = new Promise<void>((resolve) => channel.whenClosed(resolve));
  // HTTP/2 knows no half-closed connections: whoever hears the end ends, too.
  void peer.end().then(() => channel.end());
  return { peer, channel, closed };
}
