import type { Flood } from "../../proxy/http2/testing/floods.ts";
import type { RawPeer } from "../../proxy/http2/testing/raw-peer.ts";
import type { SocketChannel } from "../../proxy/socket.ts";
import { turn } from "../../proxy/testing/recorder.ts";

/** Rounds of an attack in one turn of the event loop. */
const ROUNDS_PER_TURN = 50;

/** Repeats an attack, as fast as the other side reads, until it ends the connection. */
export async function flood(
  peer: RawPeer,
  channel: SocketChannel,
  { streams = 0, round }: Omit<Flood, "limit">,
): Promise<void> {
  for (let at = 0; at < streams; at++) peer.post(2 * at + 1);
  for (let at = 0; !peer.over && !channel.closed; at++) {
    round(peer, at);
    if (at % ROUNDS_PER_TURN === 0) await turn();
    // An event would not do: a channel that is paused, or blocked for good, ends without one.
    while (channel.congested && !channel.closed) await Bun.sleep(1);
  }
}
