import type { Pod } from "../demo/bed/pod.ts";
import type { SocketAddress } from "../schemas/address.ts";
import type { Protocol } from "./backend.ts";
import type { Stage } from "./stage.ts";

/** A pair of proxies between the load and the backend, or none. */
export interface Subject {
  readonly name: string;
  /** What it is for: it takes part in the cases of these protocols. */
  readonly carries: readonly Protocol[];
  start(stage: Stage): Promise<Running>;
}

/** A subject at work; it ends with its stage. */
export interface Running {
  /** Where load generators run. */
  readonly client: Pod;
  /** What they dial. */
  readonly addressOf: (protocol: Protocol) => SocketAddress;
  /** The proxies' processes. */
  readonly pids: readonly number[];
}

/** The ports of one pair of peers; each pair takes a different base. */
export interface PairPorts {
  /** Of the first proxy, for the load. */
  readonly face: Readonly<Record<Protocol, number>>;
  /** Of the second proxy, for the first. */
  readonly hop: Readonly<Record<Protocol, number>>;
}

/** Ten ports from `base` on. */
export function portsFrom(base: number): PairPorts {
  return {
    face: { http1: base, http2: base + 1, grpc: base + 2, tcp: base + 3 },
    hop: { http1: base + 5, http2: base + 6, grpc: base + 7, tcp: base + 8 },
  };
}
