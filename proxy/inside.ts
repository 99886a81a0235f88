import { formatAddress, type SocketAddress } from "../schemas/address.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { createDrain } from "./drain.ts";
import { startInbound } from "./inbound.ts";
import type { InboundOptions } from "./inbound/options.ts";
import type { Port } from "./inbound/ports.ts";
import {
  createInboundRecorder,
  type InboundRecorder,
} from "./inbound/recorder.ts";
import { createRegistry } from "./record.ts";
import { createFamilies } from "./record/families.ts";

export interface InsideOptions extends
  Pick<
    InboundOptions,
    | "accept"
    | "name"
    | "credentials"
    | "detectTimeoutMs"
    | "http2"
    | "apps"
    | "log"
  > {
  /** Port 0 lets the system choose. */
  readonly address: SocketAddress;
  /** What it is, and the variable that gives it another address, for messages. */
  readonly what: string;
  readonly variable: string;
  /** Who may ask. */
  readonly port: Port;
  /** What is counted all the same. */
  readonly seen?: Partial<InboundRecorder>;
}

export interface Inside {
  readonly port: number;
  /** Stops accepting; settles when the requests in flight are answered. */
  close(): Promise<void>;
}

/** How often idle series are dropped. */
const SWEEP_MS = 60_000;
/** Requests under way at a time; a scraper and the kubelet need two. */
const MAX_IN_FLIGHT = 100;

/**
 * Serves an application that is in this process behind an inbound side of its own: plain or mutual TLS, HTTP/1 or HTTP/2.
 * Its connections and requests are not counted: as those of the pod they would hide the pod's own (decision 107). Throws
 * `system.failed` when the address cannot be had.
 */
export function startInside(options: InsideOptions): Inside {
  const { address, port } = options;
  const drain = createDrain();
  const unseen = createRegistry({ retainIdleMs: 0 });
  const listener = listen(options, () =>
    startInbound({
      listen: address,
      ownPort: "application",
      accept: options.accept,
      ownIps: new Set(),
      name: options.name,
      credentials: options.credentials,
      detectTimeoutMs: options.detectTimeoutMs,
      ports: { take: () => port },
      apps: options.apps,
      http1: {},
      http2: options.http2,
      inFlight: { count: 0, max: MAX_IN_FLIGHT },
      recorder: {
        ...createInboundRecorder(createFamilies(unseen)),
        ...options.seen,
      },
      drain,
      log: options.log,
    }));
  const sweeper = setInterval(
    () => unseen.sweep(performance.now()),
    SWEEP_MS,
  );
  sweeper.unref();
  return {
    port: listener.address.port,
    async close() {
      clearInterval(sweeper);
      listener.close();
      await drain.begin();
    },
  };
}

function listen<T>(
  { address, what, variable }: InsideOptions,
  start: () => T,
): T {
  try {
    return start();
  } catch (cause) {
    throw new Problem(
      "system.failed",
      `Cannot listen on ${formatAddress(address)} for the ${what}: ${
        describe(cause)
      }`,
      { hint: `free the port, or set ${variable}`, cause },
    );
  }
}
