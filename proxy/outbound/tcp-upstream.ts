import type { Endpoint } from "../../schemas/destination.ts";
import type { Member } from "../balance.ts";
import type { PeakEwma } from "../balance/peak-ewma.ts";
import type { EndpointContext } from "../endpoint/context.ts";
import { createOpener } from "../endpoint/opener.ts";
import { UNREACHABLE_RTT_MS } from "../forward/send-again.ts";
import type { SocketChannel } from "../socket.ts";

/** One endpoint for bytes that are not parsed. */
export interface TcpUpstream extends Member {
  readonly endpoint: Endpoint;
  open(session: "detect" | null): Promise<SocketChannel>;
}

/** Its load is the time connecting takes (facts 4.8). */
export function createTcpUpstream(
  endpoint: Endpoint,
  authority: string | undefined,
  load: PeakEwma,
  context: EndpointContext,
): TcpUpstream {
  const opener = createOpener(endpoint, authority, context);
  return {
    endpoint,
    load,
    ready: true,
    async open(session) {
      const startedMs = performance.now();
      load.pending += 1;
      try {
        const channel = await opener.open(session);
        const nowMs = performance.now();
        load.sample(nowMs - startedMs, nowMs);
        return channel;
      } catch (error) {
        load.sample(UNREACHABLE_RTT_MS, performance.now());
        throw error;
      } finally {
        load.pending -= 1;
      }
    },
    close: () => opener.close(),
  };
}
