import { BACKEND_PORTS } from "../backend.ts";
import type { Subject } from "../subject.ts";

/** The load dials the backend: what the machine and the load generator can do. */
export const none: Subject = {
  name: "none",
  carries: ["http1", "http2", "grpc", "tcp"],
  start: ({ client, server }) =>
    Promise.resolve({
      client,
      addressOf: (protocol) => ({
        ip: server.ip,
        port: BACKEND_PORTS[protocol],
      }),
      pids: [],
    }),
};
