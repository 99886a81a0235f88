import type { TapEnd, TapEvent } from "../../../schemas/tap.ts";

/** Stands in for the metrics component: answers every tap with lines, and remembers what it was asked. */
export interface TapServer {
  readonly address: string;
  readonly asked: { readonly path: string; readonly filter: unknown }[];
  /** How many taps are open. */
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

/** What a tap is answered with: values, each a line of JSON, and texts and bytes as they are; it ends when they do. */
export type Answer = (
  signal: AbortSignal,
) => Response | AsyncIterable<unknown> | Iterable<unknown>;

export function startTapServer(answer: Answer): TapServer {
  const asked: TapServer["asked"] = [];
  let open = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname);
      asked.push({ path, filter: await request.json() });
      const ending = new AbortController();
      const found = answer(ending.signal);
      if (found instanceof Response) return found;
      open++;
      const end = () => {
        if (ending.signal.aborted) return;
        ending.abort();
        open--;
      };
      const encoder = new TextEncoder();
      return new Response(
        new ReadableStream({
          async start(controller) {
            for await (const value of found) {
              if (ending.signal.aborted) return;
              controller.enqueue(
                value instanceof Uint8Array ? value : encoder.encode(
                  typeof value === "string"
                    ? value
                    : `${JSON.stringify(value)}\n`,
                ),
              );
            }
            end();
            controller.close();
          },
          cancel: end,
        }),
      );
    },
  });
  return {
    address: `127.0.0.1:${server.port}`,
    asked,
    open: () => open,
    close: () => server.stop(true),
  };
}

const WEB: TapEnd = {
  ip: "10.0.0.1",
  port: 5_000,
  metadata: { pod: "web-1", tls: "true" },
};
const API: TapEnd = { ip: "10.0.0.2", port: 80, metadata: { pod: "api-1" } };

/** What an event says beyond its request. */
export type Seen = Partial<
  Pick<TapEvent, "source" | "destination" | "routeMeta" | "proxyDirection">
>;

/** What happened to a request. */
export interface Story extends Seen {
  readonly stream: number;
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly status?: number;
  /** From begin to end. */
  readonly nanos?: number;
  readonly end?: {
    readonly grpcStatusCode?: number;
    readonly isGrpc?: boolean;
    readonly resetErrorCode?: number;
  };
}

/** The three events of a request. */
export function tell({
  stream,
  method = "GET",
  authority = "api",
  path = "/",
  status = 200,
  nanos = 2_500_000,
  end = {},
  ...seen
}: Story): [TapEvent, TapEvent, TapEvent] {
  const event: TapEvent = {
    source: WEB,
    destination: API,
    routeMeta: null,
    proxyDirection: "INBOUND",
    ...seen,
  };
  const id = { base: 7, stream };
  const since = { nanos: nanos % 1e9, seconds: Math.floor(nanos / 1e9) };
  return [
    {
      ...event,
      requestInitEvent: {
        id,
        method,
        scheme: "HTTP",
        authority,
        path,
        headers: null,
      },
    },
    {
      ...event,
      responseInitEvent: {
        id,
        sinceRequestInit: { nanos: 1_234_999 },
        httpStatus: status,
        headers: null,
      },
    },
    {
      ...event,
      responseEndEvent: {
        id,
        sinceRequestInit: since,
        sinceResponseInit: { nanos: 56_000 },
        responseBytes: 12,
        trailers: null,
        grpcStatusCode: 0,
        ...end,
      },
    },
  ];
}
