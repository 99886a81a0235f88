import type { ControlClient } from "../control/client.ts";
import type { Log } from "../control/connector.ts";
import { keepWatching, type Watch } from "../control/watch.ts";
import { StatusCode } from "../grpc/status.ts";
import { decodeTrustBundle } from "../wire/trust.ts";
import { readBundle } from "./bundle.ts";

/** Linkerd's own control plane does not tell anchors, and may be replaced by one that does. */
const ASK_AGAIN_MS = 3_600_000;
/** Statuses of a service that is there and has trouble; any other says that it does not know the question. */
const TROUBLE: ReadonlySet<number> = new Set([
  StatusCode.ok,
  StatusCode.cancelled,
  StatusCode.unknown,
  StatusCode.deadlineExceeded,
  StatusCode.resourceExhausted,
  StatusCode.internal,
  StatusCode.unavailable,
]);

export interface TrustOptions {
  /** Of identity; it must prove to be that by the anchors in use. */
  readonly client: ControlClient;
  /** Hears each bundle told, in PEM; the same one again after each reconnection. */
  readonly told: (anchors: string) => void;
  readonly random: () => number;
  readonly log: Log;
}

/** Asks identity which anchors are in force, for as long as the proxy runs. */
export function watchTrust(options: TrustOptions): Watch {
  const { client, random, log } = options;
  return keepWatching({
    client,
    path: "/linkerd_ts.trust.TrustAnchors/Watch",
    request: new Uint8Array(0),
    random,
    log,
    opened() {},
    message(bytes) {
      const anchors = readBundle(decodeTrustBundle(bytes));
      if (anchors !== null) options.told(anchors);
      else {
        log("warn", "Ignoring trust anchors that cannot be read", {
          bytes: bytes.length,
        });
      }
      return true;
    },
    judge: ({ code }) => TROUBLE.has(code) ? "retry" : ASK_AGAIN_MS,
  });
}
