import type { Protocol } from "../backend.ts";
import { SERVER_NAME } from "../certificates.ts";
import type { TlsFiles } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { type Role, startPair } from "./pair.ts";

/** haproxy beside each end: each protocol crosses the hop as it came, in mutual TLS 1.3. */
export const haproxy: Subject = {
  name: "haproxy",
  carries: ["http1", "http2", "grpc", "tcp"],
  start: (stage) => startHaproxy("haproxy", 12_000, stage, { http1: "http1" }),
};

/** haproxy beside each end, HTTP/1.1 outside and one HTTP/2 connection between them: the strongest peer there is. */
export const haproxyH2hop: Subject = {
  name: "haproxy-h2hop",
  carries: ["http1"],
  start: (stage) =>
    startHaproxy("haproxy-h2hop", 13_000, stage, { http1: "http2" }),
};

/** The protocol in which HTTP/1 crosses the hop. */
interface Hop {
  readonly http1: "http1" | "http2";
}

function startHaproxy(
  name: string,
  base: number,
  stage: Parameters<Subject["start"]>[0],
  hop: Hop,
): ReturnType<Subject["start"]> {
  return startPair(name, base, stage, async (role) => {
    const text = configOf(role, hop, stage.tls);
    const config = await stage.file(`${name}-${role.side}.cfg`, text);
    return ["haproxy", "-db", "-f", config];
  });
}

function configOf(role: Role, hop: Hop, tls: TlsFiles): string {
  const { side } = role;
  const parts: Part[] = [
    {
      protocol: "http1",
      accept: side === "server" ? hop.http1 : "http1",
      dial: side === "client" ? hop.http1 : "http1",
    },
    { protocol: "http2", accept: "http2", dial: "http2" },
    { protocol: "grpc", accept: "http2", dial: "http2" },
    { protocol: "tcp", accept: "tcp", dial: "tcp" },
  ];
  return `global
  nbthread 1
  maxconn 8192
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
  ssl-server-verify required
defaults
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-request 5s
  timeout http-keep-alive 1h
  http-reuse always
  backlog 4096
${parts.map((part) => proxyOf(part, role, tls)).join("")}`;
}

type Wire = "http1" | "http2" | "tcp";

/** One listener and what it sends to. */
interface Part {
  readonly protocol: Protocol;
  readonly accept: Wire;
  readonly dial: Wire;
}

function proxyOf(part: Part, role: Role, tls: TlsFiles): string {
  const { protocol, accept, dial } = part;
  const { side, listen, forward, next } = role;
  const bind = side === "server"
    ? ` ssl crt ${tls.server.both} ca-file ${tls.anchor} verify required${
      accept === "tcp" ? "" : ` alpn ${ALPN[accept]}`
    }`
    : accept === "http2"
    ? " proto h2"
    : "";
  const server = side === "client"
    ? ` ssl crt ${tls.client.both} ca-file ${tls.anchor} verify required verifyhost ${SERVER_NAME} sni str(${SERVER_NAME})${
      dial === "tcp" ? "" : ` alpn ${ALPN[dial]}`
    }`
    : dial === "http2"
    ? " proto h2"
    : "";
  return `listen ${protocol}
  mode ${protocol === "tcp" ? "tcp" : "http"}
  bind :${listen[protocol]}${bind}
  server next ${next}:${forward[protocol]}${server}
`;
}

const ALPN = { http1: "http/1.1", http2: "h2" } as const;
