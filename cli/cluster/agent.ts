import http from "node:http";
import https from "node:https";
import tls from "node:tls";
import type { Duplex } from "node:stream";
import type { Access } from "./access.ts";
import type { Credentials } from "./credentials.ts";
import { dialThrough } from "./tunnel.ts";

/** Connections to an API server, with our credentials; a kept one does not keep the process. */
export function makeAgent(
  { server, ca, insecure, serverName }: Access,
  { cert, key }: Credentials,
  proxy: URL | undefined,
): http.Agent {
  const options = {
    keepAlive: true,
    rejectUnauthorized: !insecure,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const secure = server.protocol === "https:";
  const agent = secure
    ? new https.Agent(options)
    : new http.Agent({ keepAlive: true });
  if (proxy === undefined) return agent;
  agent.createConnection = (_, done) => {
    dial(server, proxy, secure ? options : undefined).then(
      (socket) => done?.(null, socket),
      (error) => done?.(error, undefined as never),
    );
    return undefined;
  };
  return agent;
}

async function dial(
  { hostname, port, protocol }: URL,
  proxy: URL,
  secure:
    | tls.SecureContextOptions & tls.CommonConnectionOptions & {
      readonly servername?: string;
    }
    | undefined,
): Promise<Duplex> {
  const host = hostname.replace(/^\[|\]$/g, "");
  const number = Number(port || (protocol === "https:" ? 443 : 80));
  const socket = await dialThrough(proxy, host, number);
  if (secure === undefined) return socket;
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const encrypted = tls.connect({ servername: host, ...secure, socket });
  encrypted.once("error", reject);
  encrypted.once("secureConnect", () => resolve(encrypted));
  return await promise;
}
