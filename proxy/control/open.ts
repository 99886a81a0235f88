import type { ControlService } from "../config/control.ts";
import { dial } from "../connect.ts";
import { connectHttp2 } from "../http2/client.ts";
import type { Http2Options } from "../http2/options.ts";
import type { TcpOptions } from "../socket-options.ts";
import type { Credentials } from "../tls.ts";
import { type ControlClient, createControlClient } from "./client.ts";
import {
  type ConnectorOptions,
  createConnector,
  type Log,
  type ServiceName,
} from "./connector.ts";
import type { ControlMeters } from "./meters.ts";
import { resolveHost } from "./resolve.ts";

/** A control plane that is gone without a word is noticed within 13 s (Linkerd's chart has these for its servers). */
const KEEP_ALIVE = { keepAliveIntervalMs: 10_000, keepAliveTimeoutMs: 3_000 };

/** What a control client needs besides the service's address. */
export interface OpenOptions {
  /** Asked for each new connection; null before the first certificate, when the service alone proves itself. */
  readonly credentials: () => Credentials | null;
  /** PEM bundle; asked for likewise. */
  readonly anchors: () => string;
  readonly http2: Http2Options;
  readonly connectTimeoutMs: number;
  readonly tcp: TcpOptions;
  readonly log: Log;
  /** Called for each connection that has been opened. */
  readonly dialled?: () => void;
  /** `control_request_total` and the like. */
  readonly meters: (
    name: ServiceName,
    service: Pick<ControlService, "host" | "port" | "serverName">,
  ) => ControlMeters;
  /** `control_dns_resolutions_total`. */
  readonly resolved: (client: ServiceName, result: "ok" | "not_found") => void;
}

/** A client of a real service: over mutual TLS, or in plaintext on loopback. Connects when first used. */
export function openControlClient(
  name: ServiceName,
  service: ControlService,
  options: OpenOptions,
): ControlClient {
  const meters = options.meters(name, service);
  const connector = createConnector(meters.connector({
    name,
    host: service.host,
    port: service.port,
    ...waysTo(name, service, options),
    connect: (channel, events) =>
      connectHttp2(
        channel,
        { keepAlive: KEEP_ALIVE, ...options.http2 },
        events,
      ),
    random: Math.random,
    log: options.log,
  }));
  return meters.client(createControlClient(service, connector));
}

/** How to find a service, and to open a byte stream to it. */
export function waysTo(
  name: ServiceName,
  { serverName }: Pick<ControlService, "serverName">,
  options: Omit<OpenOptions, "http2" | "log" | "meters">,
): Pick<ConnectorOptions, "resolve" | "dial"> {
  return {
    async resolve(host) {
      try {
        const ips = await resolveHost(host);
        options.resolved(name, "ok");
        return ips;
      } catch (error) {
        options.resolved(name, "not_found");
        throw error;
      }
    },
    async dial(address) {
      const channel = await dial(address, {
        timeoutMs: options.connectTimeoutMs,
        tcp: options.tcp,
        tls: serverName === null ? null : {
          credentials: presentable(options.credentials()) ??
            { anchors: options.anchors() },
          peer: { id: serverName, kind: "dns", serverName },
          transportHeader: false,
        },
      });
      options.dialled?.();
      return channel;
    },
  };
}

/**
 * Credentials that a server will not refuse. With an expired certificate the handshake would fail, and the proxy could
 * never ask for another; without one Certify is allowed.
 */
function presentable(credentials: Credentials | null): Credentials | null {
  return credentials !== null && credentials.expiresAtMs > Date.now()
    ? credentials
    : null;
}
