import { createServer, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  type ObserveRequest,
  Tap,
  TapEventSchema,
} from "../../../schemas/proto/gen/tap_pb.ts";
import type { TapFilter } from "../../../schemas/tap.ts";
import type { TapPod } from "../pods.ts";

export type EventInit = MessageInitShape<typeof TapEventSchema>;

type Answer = (
  request: ObserveRequest,
  context: HandlerContext,
) => AsyncGenerator<EventInit>;

/** A tap server on loopback. */
export interface FakeProxy {
  readonly port: number;
  readonly asked: ObserveRequest[];
  /** Streams that are open. */
  open(): number;
  close(): void;
}

/** Starts one that answers every Observe so. */
export async function startFakeProxy(answer: Answer): Promise<FakeProxy> {
  const asked: ObserveRequest[] = [];
  let open = 0;
  const server = createServer(
    {},
    connectNodeAdapter({
      routes: (router) =>
        router.service(Tap, {
          async *observe(request, context) {
            asked.push(request);
            open++;
            try {
              for await (const event of answer(request, context)) {
                yield create(TapEventSchema, event);
              }
            } finally {
              open--;
            }
          },
        }),
    }),
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    open: () => open,
    close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

/** Something that is no tap server: says this to whoever connects, or nothing at all. */
export async function startStranger(
  says: Uint8Array | null,
): Promise<{ readonly port: number; close(): void }> {
  const server = createTcp((socket) => {
    socket.on("error", () => socket.destroy());
    if (says !== null) socket.write(says);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => void server.close(),
  };
}

/** A pod whose proxy is at a port of loopback. */
export function fakePod(name: string, port: number): TapPod {
  return {
    id: `shop/${name} 127.0.0.1`,
    namespace: "shop",
    name,
    ips: ["127.0.0.1"],
    port,
    identity: null,
    labels: { app: name },
    owners: { deployment: "web" },
    metadata: { pod: name, namespace: "shop" },
    state: "enabled",
  };
}

/** The begin of a request. */
export function requestInit(stream: bigint, path: string): EventInit {
  return {
    event: {
      case: "http",
      value: {
        event: {
          case: "requestInit",
          value: { id: { base: 1, stream }, path },
        },
      },
    },
  };
}

/** The end of one. */
export function responseEnd(stream: bigint): EventInit {
  return {
    event: {
      case: "http",
      value: {
        event: { case: "responseEnd", value: { id: { base: 1, stream } } },
      },
    },
  };
}

/** Resolves when the caller has gone. */
export function gone({ signal }: HandlerContext): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

/** Everything. */
export const ALL: TapFilter = {
  selector: "",
  to: null,
  maxRps: 100,
  scheme: null,
  method: null,
  authority: null,
  path: null,
  headers: false,
};
