import { ErrorCode } from "../../http/message.ts";
import { Flag, FrameType } from "../frames.ts";
import type { LimitName } from "../limits.ts";
import type { RawPeer } from "./raw-peer.ts";

/** Something that costs the attacker little, done again and again. */
export interface Flood {
  readonly limit: LimitName;
  /** Streams the attacker opens first. */
  readonly streams?: number;
  readonly round: (peer: RawPeer, round: number) => void;
}

/** Attacks of clients; each is repeated until the connection ends. */
export const FLOODS: Readonly<Record<string, Flood>> = {
  "rapid reset": {
    limit: "resets",
    round: (peer, round) => {
      peer.get(2 * round + 1);
      peer.reset(2 * round + 1, ErrorCode.cancel);
    },
  },
  "made-you-reset by malformed requests": {
    limit: "faults",
    round: (peer, round) => peer.get(2 * round + 1, ["Bad: 1"]),
  },
  "made-you-reset by window overflow": {
    limit: "faults",
    round: (peer, round) => {
      peer.post(2 * round + 1);
      peer.windowUpdate(2 * round + 1, 0x7fffffff);
    },
  },
  "made-you-reset by window updates of 0": {
    limit: "faults",
    round: (peer, round) => {
      peer.post(2 * round + 1);
      peer.windowUpdate(2 * round + 1, 0);
    },
  },
  "SETTINGS": { limit: "settings", round: (peer) => peer.settings([]) },
  "SETTINGS acknowledgements": {
    limit: "settings",
    round: (peer) => peer.frame(FrameType.settings, Flag.ack, 0),
  },
  "PING": { limit: "pings", round: (peer) => peer.ping() },
  "PING answers": { limit: "pings", round: (peer) => peer.ping(Flag.ack) },
  "PRIORITY": {
    limit: "priorities",
    round: (peer) => peer.frame(FrameType.priority, 0, 9, [0, 0, 0, 0, 1]),
  },
  "unknown frames": {
    limit: "unknownFrames",
    round: (peer) => peer.frame(0xbb, 0, 0, [1, 2, 3]),
  },
  "GOAWAY": { limit: "goaways", round: (peer) => peer.goaway(1, 0) },
  "empty DATA": {
    limit: "emptyData",
    streams: 1,
    round: (peer) => peer.body(1, 0, false),
  },
  "DATA of padding only": {
    limit: "emptyData",
    streams: 1,
    round: (peer) => peer.frame(FrameType.data, Flag.padded, 1, [1, 0]),
  },
  "window updates on a stream": {
    limit: "windowUpdates",
    streams: 1,
    round: (peer) => peer.windowUpdate(1, 1),
  },
  "window updates on the connection": {
    limit: "windowUpdates",
    round: (peer) => peer.windowUpdate(0, 1),
  },
  "CONTINUATION without octets": {
    limit: "continuations",
    round: (peer, round) => {
      if (round === 0) peer.frame(FrameType.headers, 0, 1);
      peer.frame(FrameType.continuation, 0, 1);
    },
  },
  "CONTINUATION without end": {
    limit: "headerBlock",
    round: (peer, round) => {
      if (round === 0) peer.frame(FrameType.headers, 0, 1);
      peer.frame(FrameType.continuation, 0, 1, new Uint8Array(16_384));
    },
  },
};

/** Those of them that servers can do, too. */
export const FLOODS_OF_SERVERS: readonly string[] = [
  "SETTINGS",
  "PING",
  "PRIORITY",
  "unknown frames",
  "GOAWAY",
  "window updates on the connection",
];
