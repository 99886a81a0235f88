import type { Pod } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import {
  nginxCommand,
  nginxPreamble,
  nginxTemporaryPaths,
} from "./nginx-config.ts";
import type { Stage } from "./stage.ts";

/** The ports of the application behind every subject. */
export const BACKEND_PORTS = { http1: 8080, http2: 8081, tcp: 9000 } as const;

/** What a load can be made of. */
export type Protocol = keyof typeof BACKEND_PORTS;

/** Path of the gRPC method that the backend answers. */
export const GRPC_PATH = "/bench.Echo/Unary";

/** A gRPC message of one compressed-flag byte, a length of four and this many bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const GRPC_MESSAGE_BYTES = 32;

/** Starts nginx with a small answer from memory, over HTTP/1 and HTTP/2, and an endless source of bytes over TCP. */
export async function startBackend(stage: Stage, pod: Pod): Promise<void> {
  const folder = await stage.folder(`backend-${pod.name}`);
  await Bun.write(`${folder}/reply.grpc`, grpcMessage());
  const config = await stage.file(`backend-${pod.name}.conf`, configOf(folder));
  const nginx = pod.run(nginxCommand(folder, config));
  const source = pod.run([
    ...["bun", "bench/load/bulk-source.ts", `${BACKEND_PORTS.tcp}`],
  ]);
  await source.line("ready");
  const url = `http://${pod.ip}:${BACKEND_PORTS.http1}/`;
  await waitFor(async () => (await stage.bed.fetch(url)).ok || null, {
    what: () => `the backend of ${pod.name}, which says:\n${nginx.tail()}`,
  });
}

/** One gRPC message, as a request or a response carries it. */
export function grpcMessage(): Uint8Array {
  const message = new Uint8Array(5 + GRPC_MESSAGE_BYTES);
  message[4] = GRPC_MESSAGE_BYTES;
  return message;
}

function configOf(folder: string): string {
  return `${nginxPreamble(folder)}
http {
  access_log off;
${nginxTemporaryPaths(folder)}
  server {
    listen ${BACKEND_PORTS.http1} backlog=4096;
    listen ${BACKEND_PORTS.http2} http2 backlog=4096;
    keepalive_requests 2000000000;
    keepalive_timeout 1h;
    http2_max_concurrent_streams 1024;
    location / {
      default_type text/plain;
      return 200 "a small answer that comes from memory, as a health check or a cached lookup would give\\n";
    }
    location = ${GRPC_PATH} {
      # nginx answers POST on a file with 405; the file is the answer here.
      error_page 405 =200 /reply.grpc;
      return 405;
    }
    location = /reply.grpc {
      root ${folder};
      open_file_cache max=8;
      types {}
      default_type application/grpc;
      add_trailer grpc-status 0 always;
    }
  }
}
`;
}
