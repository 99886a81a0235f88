import type { AdminPort } from "../admin/port.ts";
import type { Control } from "../control.ts";
import type { GatewayOptions } from "../gateway/passage.ts";
import { clientHttp2, serverHttp2 } from "../http2-sides.ts";
import { startInbound } from "../inbound.ts";
import { createAccessLog } from "../inbound/access-log.ts";
import { createApps } from "../inbound/apps.ts";
import { createAuthorities } from "../inbound/authorities.ts";
import { createPorts } from "../inbound/ports.ts";
import { createProfiles } from "../inbound/profiles.ts";
import { createInboundRecorder } from "../inbound/recorder.ts";
import { createOutput } from "../log/output.ts";
import { createNames } from "../record/names.ts";
import { TcpRecorder } from "../record/tcp.ts";
import { INBOUND_DESTINATION_LABELS } from "../record/traffic.ts";
import type { Tracing } from "../trace/request-trace.ts";
import { defaultPolicyOf } from "./default-policy.ts";
import type { Identified } from "./shared.ts";

export interface InboundSideOptions {
  readonly control: Control;
  /** Is told its policy from now on. */
  readonly adminPort: AdminPort;
  /** To what is behind this proxy, when it is a gateway. */
  readonly beyond: GatewayOptions["open"];
  readonly tracing: Tracing | undefined;
}

/** The inbound side, as the proxy is configured. */
export function startInboundSide(
  shared: Identified,
  { control, adminPort, beyond, tracing }: InboundSideOptions,
): { close(): void } {
  const { config, logs, families, drain, taps, identity } = shared;
  const side = config.inbound;
  const suffixes = side.gatewaySuffixes;
  const ports = createPorts({
    control,
    permanent: suffixes.length === 0
      ? side.ports
      : [...side.ports, side.listen.port],
    idleMs: side.discoveryIdleTimeoutMs,
    defaultPolicy: (port) => defaultPolicyOf(config, port),
  });
  adminPort.follow(ports.take(adminPort.number));
  return startInbound({
    listen: side.listen,
    accept: { ...side.accept, backlog: side.listenBacklog },
    ownIps: side.ips,
    name: config.identity.localName,
    credentials: () => identity.credentials,
    detectTimeoutMs: side.detectTimeoutMs,
    ports,
    apps: createApps({
      connectTimeoutMs: side.connectTimeoutMs,
      tcp: side.connect,
      pool: {
        maxIdle: side.maxIdleConnectionsPerEndpoint,
        idleMs: side.http1PoolIdleTimeoutMs,
      },
      backOff: side.backoff,
      http2: clientHttp2(config, families, "inbound dst"),
      meters: new TcpRecorder(families.tcp, INBOUND_DESTINATION_LABELS),
    }),
    http1: {},
    http2: serverHttp2(side.serverHttp2, families, "inbound src"),
    inFlight: { count: 0, max: side.maxInFlight },
    recorder: createInboundRecorder(families),
    authorities: side.authorityLabels
      ? createAuthorities(createNames(families.http.requests))
      : undefined,
    profiles: createProfiles({
      control,
      suffixes: config.destination.profileSuffixes,
      initialTimeoutMs: config.destination.profileInitialTimeoutMs,
      idleMs: side.discoveryIdleTimeoutMs,
      families: families.outbound.profile.route,
    }),
    accessLog: config.log.access === null ? undefined : createAccessLog(
      config.log.access,
      createOutput(Bun.stderr.writer()),
      Date.now,
    ),
    gateway: { suffixes, open: beyond },
    taps,
    tracing,
    drain,
    log: logs.target("inbound"),
  });
}
