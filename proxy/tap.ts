import type { SocketAddress } from "../schemas/address.ts";
import type { ServerPolicy } from "../schemas/policy.ts";
import { parseNetwork } from "../schemas/address.ts";
import type { Port } from "./inbound/ports.ts";
import { type Inside, type InsideOptions, startInside } from "./inside.ts";
import { enforce } from "./policy/enforcement.ts";
import { createObserveApps, type ObserveOptions } from "./tap/observe.ts";

export interface TapOptions
  extends
    Pick<InsideOptions, "accept" | "name" | "credentials" | "http2" | "log">,
    Pick<ObserveOptions, "taps" | "client" | "dropped"> {
  /** Port 0 lets the system choose. */
  readonly address: SocketAddress;
}

/** How long a client may take to show that it speaks TLS (facts 2). */
const DETECT_TIMEOUT_MS = 1_000;

/** What a client that vanished without a word had been watching is left after this time. */
const KEEP_ALIVE = { keepAliveIntervalMs: 10_000, keepAliveTimeoutMs: 3_000 };

/**
 * Starts the tap server (port 4190): gRPC that shows the requests that this proxy carries, to one identity alone (facts
 * 6.11). Throws `system.failed` when the address cannot be had.
 */
export function startTap(options: TapOptions): Inside {
  const { apps, close } = createObserveApps(options);
  const inside = startInside({
    ...options,
    http2: { keepAlive: KEEP_ALIVE, ...options.http2 },
    detectTimeoutMs: DETECT_TIMEOUT_MS,
    what: "tap server",
    variable: "LINKERD2_PROXY_CONTROL_LISTEN_ADDR",
    port: createTapPort(options.address.port),
    apps,
  });
  return {
    port: inside.port,
    close() {
      close();
      return inside.close();
    },
  };
}

/** Anybody may connect: who may tap is for the service to say, in words of gRPC. */
const OPEN: ServerPolicy = {
  protocol: { kind: "http2" },
  authorizations: [{
    networks: ["0.0.0.0/0", "::/0"].map((network) => ({
      network: parseNetwork(network),
      except: [],
    })),
    authentication: { kind: "unauthenticated" },
    meta: { group: "", kind: "default", name: "tap" },
  }],
  meta: { group: "", kind: "default", name: "tap" },
};

function createTapPort(number: number): Port {
  const enforcement = enforce(OPEN, null);
  return {
    number,
    policy: OPEN,
    enforcement,
    habits: { speaksFirst: false, speaksHttp: true },
    subscribe: () => () => {},
    release() {},
  };
}
