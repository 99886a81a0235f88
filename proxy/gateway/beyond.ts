import type { Problem } from "../../schemas/problem.ts";
import type { Channel } from "../channel.ts";
import type { Direction } from "../direction.ts";
import type { TransportHeader } from "../wire/transport-header.ts";

/** What a client asks a gateway for by name, reached by the outbound side of the same proxy. */
export interface Beyond {
  /** Why nothing can be carried there, as far as is known now; null when it can. */
  readonly problem: Problem | null;
  /** Calls back once it is known whether there is such a thing, or the wait for that is over. */
  settled(call: () => void): void;
  readonly direction: Direction;
  /** A connection for bytes that are not parsed; rejects with a Problem. */
  open(session: TransportHeader["session"]): Promise<Channel>;
  /** Must be called once. */
  release(): void;
}
