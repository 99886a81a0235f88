import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { toBinary } from "@bufbuild/protobuf";
import { createServer } from "node:http2";
import type { Pod } from "../../demo/bed/pod.ts";
import { inPod } from "./in-pod.ts";
import { readJson, readProtobuf, type SeenSpan } from "./otlp.ts";
import {
  ExportTraceServiceRequestSchema,
  TraceService,
} from "./proto/gen/otlp_pb.ts";

/** OTLP's registered ports. */
export const COLLECTOR_PORTS = { grpc: 4317, http: 4318 } as const;

/** What a collector does with a request. */
export type Mood = "well" | "busy" | "silent" | "refusing";

/** A collector in a pod that takes OTLP by gRPC and by HTTP/1.1. */
export interface TraceCollector {
  readonly spans: SeenSpan[];
  /** Of each request: by which protocol it came, and the name that the mesh vouches for. */
  readonly callers: string[];
  /** What was wrong with requests. */
  readonly mistakes: string[];
  mood: Mood;
  close(): Promise<void>;
}

export function openTraceCollector(
  pod: Pick<Pod, "netns">,
): TraceCollector {
  const spans: SeenSpan[] = [];
  const callers: string[] = [];
  const mistakes: string[] = [];
  const take = (caller: string, read: () => SeenSpan[]) => {
    callers.push(caller);
    if (collector.mood !== "well") return;
    try {
      spans.push(...read());
    } catch (error) {
      mistakes.push(String(error));
    }
  };
  const never = () => new Promise<never>(() => {});

  const http = inPod(pod, () =>
    Bun.serve({
      port: COLLECTOR_PORTS.http,
      hostname: "0.0.0.0",
      idleTimeout: 0,
      async fetch(request) {
        const text = await request.text();
        const { pathname } = new URL(request.url);
        const asked = `${request.method} ${pathname} ${
          request.headers.get("content-type")
        }`;
        if (asked !== "POST /v1/traces application/json") {
          mistakes.push(`found ${asked}`);
        }
        take(`http ${request.headers.get("l5d-client-id")}`, () =>
          readJson(text));
        switch (collector.mood) {
          case "well":
            return Response.json({});
          case "busy":
            return new Response("later", { status: 503 });
          case "refusing":
            return new Response("no", { status: 400 });
          case "silent":
            return await never();
        }
      },
    }));

  const routes = ({ service }: ConnectRouter) => {
    service(TraceService, {
      async export(request, { requestHeader }) {
        const bytes = toBinary(ExportTraceServiceRequestSchema, request);
        take(
          `grpc ${requestHeader.get("l5d-client-id")}`,
          () => readProtobuf(bytes),
        );
        switch (collector.mood) {
          case "well":
            return {};
          case "busy":
            throw new ConnectError("later", Code.Unavailable);
          case "refusing":
            throw new ConnectError("no", Code.InvalidArgument);
          case "silent":
            return await never();
        }
      },
    });
  };
  const grpc = createServer(connectNodeAdapter({ routes }));
  inPod(pod, () => void grpc.listen(COLLECTOR_PORTS.grpc, "0.0.0.0"));

  const collector: TraceCollector = {
    spans,
    callers,
    mistakes,
    mood: "well",
    async close() {
      grpc.close();
      await http.stop(true);
    },
  };
  return collector;
}
