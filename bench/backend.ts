import type { Pod } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import {
  nginxCommand,
  nginxPreamble,
  nginxTemporaryPaths,
} from "./nginx-config.ts";
import type { Stage } from "./stage.ts";

/** The ports of the application behind every subject. */
export const BACKEND_PORTS = {
  http1: 8080,
  http2: 8081,
  grpc: 8082,
  tcp: 9000,
} as const;

/** What a load can be made of. */
export type Protocol = keyof typeof BACKEND_PORTS;

/** Starts what stands behind the proxies: small answers from memory, and an endless source of bytes over TCP. */
export async function startBackend(stage: Stage, pod: Pod): Promise<void> {
  const folder = await stage.folder(`backend-${pod.name}`);
  const config = await stage.file(`backend-${pod.name}.conf`, configOf(folder));
  const nginx = pod.run(nginxCommand(folder, config));
  const { http1, http2, grpc, tcp } = BACKEND_PORTS;
  const canned = pod.run(
    ["bun", "bench/backend/canned-http2.ts", `${http2}`, `${grpc}`],
  );
  const source = pod.run(["bun", "bench/backend/bulk-source.ts", `${tcp}`]);
  await Promise.all([canned.line("ready"), source.line("ready")]);
  const url = `http://${pod.ip}:${http1}/`;
  await waitFor(async () => (await stage.bed.fetch(url)).ok || null, {
    what: () => `the backend of ${pod.name}, which says:\n${nginx.tail()}`,
  });
}

function configOf(folder: string): string {
  return `${nginxPreamble(folder)}
http {
  access_log off;
${nginxTemporaryPaths(folder)}
  server {
    listen ${BACKEND_PORTS.http1} backlog=4096;
    keepalive_requests 2000000000;
    keepalive_timeout 1h;
    location / {
      default_type text/plain;
      return 200 "a small answer that comes from memory, as a health check or a cached lookup would give\\n";
    }
  }
}
`;
}
