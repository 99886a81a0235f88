import type { Control } from "../control.ts";
import { clientHttp2, serverHttp2 } from "../http2-sides.ts";
import { startOutbound } from "../outbound.ts";
import { createOutboundRecorder } from "../outbound/recorder.ts";
import type { Tracing } from "../trace/request-trace.ts";
import type { Identified } from "./shared.ts";

/** The outbound side, as the proxy is configured. */
export function startOutboundSide(
  { config, logs, families, drain, taps, identity }: Identified,
  control: Control,
  tracing: Tracing | undefined,
): ReturnType<typeof startOutbound> {
  const side = config.outbound;
  const recorder = createOutboundRecorder(families);
  return startOutbound({
    listen: side.listen,
    accept: { ...side.accept, backlog: side.listenBacklog },
    detectTimeoutMs: side.detectTimeoutMs,
    idleMs: side.discoveryIdleTimeoutMs,
    control,
    discover: {
      control,
      profileNetworks: config.destination.profileNetworks,
      detectTimeoutMs: side.detectTimeoutMs,
    },
    endpoints: {
      credentials: () => identity.credentials,
      ownIps: config.inbound.ips,
      connectTimeoutMs: side.connectTimeoutMs,
      tcp: side.connect,
      pool: {
        maxIdle: side.maxIdleConnectionsPerEndpoint,
        idleMs: side.http1PoolIdleTimeoutMs,
      },
      backOff: side.backoff,
      http2: clientHttp2(config, families, "outbound dst"),
      families,
    },
    httpQueue: side.httpQueue,
    tcpQueue: side.tcpQueue,
    direction: {
      informational: side.informationalHeaders && !side.ingress,
      inFlight: { count: 0, max: side.maxInFlight },
      recorder,
      taps,
    },
    http1: {},
    http2: serverHttp2(side.serverHttp2, families, "outbound src"),
    recorder,
    drain,
    log: logs.target("outbound"),
    hostnameLabels: side.hostnameLabels,
    tracing,
    ingress: side.ingress,
  });
}
