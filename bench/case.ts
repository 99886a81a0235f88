import type { Pod } from "../demo/bed/pod.ts";
import type { SocketAddress } from "../schemas/address.ts";
import type { Protocol } from "./backend.ts";
import type { Load } from "./result.ts";
import type { Subject } from "./subject.ts";

/** Where a load goes, for how long, and where it may keep files meanwhile. */
export interface Round {
  readonly pod: Pod;
  readonly target: SocketAddress;
  readonly seconds: number;
  readonly folder: string;
}

/** A kind of load. */
export interface Case {
  readonly name: string;
  /** For the heading of its table. */
  readonly about: string;
  readonly carries: Protocol;
  /** Its own subjects, in place of the pairs that all other cases compare. */
  readonly subjects?: readonly Subject[];
  /** The figure by which subjects are compared, and which way is better. */
  readonly merit: Merit;
  run(round: Round): Promise<Load>;
}

export interface Merit {
  readonly figure: "rps" | "p50Ms" | "p99Ms" | "mbPerS" | "privateDirtyMb";
  readonly better: "higher" | "lower";
}
