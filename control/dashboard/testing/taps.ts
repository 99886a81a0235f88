import type { TapEvent, TapFilter, TapTarget } from "../../../schemas/tap.ts";
import type { Tapping } from "../../tap.ts";

/** What somebody has asked for and is being shown. */
export interface OpenTap {
  readonly target: TapTarget;
  readonly filter: TapFilter;
  readonly signal: AbortSignal;
  see(event: TapEvent): void;
  end(): void;
  fail(error: Error): void;
}

/** Tapping without proxies: what is open, and what happens there, is for a test to say. */
export function createTaps(): {
  readonly tapping: Tapping;
  /** In the order in which they were asked for. */
  readonly open: readonly OpenTap[];
} {
  const open: OpenTap[] = [];
  const tapping: Tapping = (target, filter, signal) => {
    let flow: ReadableStreamDefaultController<TapEvent> | null = null;
    const events = new ReadableStream<TapEvent>({
      start: (controller) => void (flow = controller),
      cancel: () => leave(),
    });
    const leave = () => {
      flow = null;
      const at = open.findIndex((tap) => tap.signal === signal);
      if (at >= 0) open.splice(at, 1);
    };
    const end = () => {
      flow?.close();
      leave();
    };
    signal.addEventListener("abort", end, { once: true });
    open.push({
      ...{ target, filter, signal, end },
      see: (event) => flow?.enqueue(event),
      fail(error) {
        flow?.error(error);
        leave();
      },
    });
    return events;
  };
  return { tapping, open };
}

/** A request from one workload to another. */
export interface Talk {
  readonly id: number;
  readonly source: string;
  readonly destination: string;
  readonly namespace?: string;
  readonly method?: string;
  readonly path: string;
  readonly authority?: string;
  readonly status: number;
  readonly ms: number;
  readonly tls?: string;
  /** Whose proxy sees it: that of the destination, unless said otherwise. */
  readonly direction?: "INBOUND" | "OUTBOUND";
  readonly grpcStatus?: number;
  readonly resetCode?: number;
}

/** The three events of a request. */
export function eventsOf(talk: Talk): readonly [TapEvent, TapEvent, TapEvent] {
  const { namespace = "shop", tls = "true", grpcStatus, resetCode } = talk;
  const { direction = "INBOUND" } = talk;
  const isInbound = direction === "INBOUND";
  const end = (name: string, ip: string, more: Record<string, string>) => ({
    ip,
    port: 8080,
    metadata: { namespace, pod: `${name}-1`, deployment: name, ...more },
  });
  const about = {
    source: end(talk.source, "10.0.0.1", isInbound ? { tls } : {}),
    destination: end(talk.destination, "10.0.0.2", isInbound ? {} : { tls }),
    routeMeta: null,
    proxyDirection: direction,
  };
  const id = { base: 1, stream: talk.id };
  const nanos = talk.ms * 1_000_000;
  return [
    {
      ...about,
      requestInitEvent: {
        ...{ id, method: talk.method ?? "GET", scheme: "HTTP" },
        authority: talk.authority ?? talk.destination,
        ...{ path: talk.path, headers: null },
      },
    },
    {
      ...about,
      responseInitEvent: {
        ...{ id, sinceRequestInit: { nanos } },
        ...{ httpStatus: talk.status, headers: null },
      },
    },
    {
      ...about,
      responseEndEvent: {
        ...{ id, sinceRequestInit: { nanos }, sinceResponseInit: {} },
        ...{ responseBytes: 0, trailers: null },
        grpcStatusCode: grpcStatus ?? 0,
        ...grpcStatus === undefined ? {} : { isGrpc: true },
        ...resetCode === undefined ? {} : { resetErrorCode: resetCode },
      },
    },
  ];
}
