import { GRPC_PATH, grpcMessage } from "../load/grpc.ts";
import type { Case } from "../case.ts";
import { runH2load } from "../load/h2load.ts";

const byRate = { figure: "rps", better: "higher" } as const;

export const http2Streams: Case = {
  name: "http2-8x16",
  about: "8 HTTP/2 connections with 16 streams each, closed loop",
  carries: "http2",
  merit: byRate,
  run: ({ pod, target, seconds, folder }) =>
    runH2load(
      { connections: 8, streams: 16, path: "/" },
      pod,
      target,
      seconds,
      folder,
    ),
};

export const grpcUnary: Case = {
  name: "grpc-unary",
  about: "gRPC calls, 8 connections with 16 calls each, closed loop",
  carries: "grpc",
  merit: byRate,
  run: async ({ pod, target, seconds, folder }) => {
    const body = `${folder}/request.grpc`;
    await Bun.write(body, grpcMessage());
    const headers = ["content-type: application/grpc", "te: trailers"];
    return await runH2load(
      { connections: 8, streams: 16, path: GRPC_PATH, headers, body },
      pod,
      target,
      seconds,
      folder,
    );
  },
};
