import type { ServerPolicy } from "../../schemas/policy.ts";
import { createDrain } from "../drain.ts";
import { createApps } from "../inbound/apps.ts";
import type { InboundOptions } from "../inbound/options.ts";
import { createPorts } from "../inbound/ports.ts";
import { createInboundRecorder } from "../inbound/recorder.ts";
import { createOutboundRecorder } from "../outbound/recorder.ts";
import type { startOutbound } from "../outbound.ts";
import { TcpRecorder } from "../record/tcp.ts";
import { INBOUND_DESTINATION_LABELS } from "../record/traffic.ts";
import type { Credentials } from "../tls.ts";
import type { createEndpointBed } from "./endpoint-bed.ts";
import type { FakeControl } from "./fake-control.ts";
import { createTestLog } from "./log.ts";

type Bed = Pick<ReturnType<typeof createEndpointBed>, "context">;
const QUEUE = { capacity: 10, failfastMs: 50 };
const IDLE_MS = 50;

/** What an outbound side is made of in a test, but for what is `given`: no listener, and times that a test can wait for. */
export function outboundOptions(
  { context }: Bed,
  control: FakeControl,
  given: Partial<Parameters<typeof startOutbound>[0]>,
): Parameters<typeof startOutbound>[0] {
  const recorder = createOutboundRecorder(context.families);
  return {
    listen: [],
    accept: {},
    detectTimeoutMs: 1_000,
    discoveryTimeoutMs: 200,
    idleMs: IDLE_MS,
    discover: { control, profileNetworks: [], detectTimeoutMs: 1_000 },
    control,
    endpoints: context,
    httpQueue: QUEUE,
    tcpQueue: QUEUE,
    direction: {
      informational: true,
      inFlight: { count: 0, max: 10 },
      recorder,
    },
    http1: {},
    http2: {},
    recorder,
    drain: createDrain(),
    log: createTestLog().log,
    hostnameLabels: false,
    ingress: false,
    ...given,
  };
}

/** The same of an inbound side, which listens on any port of loopback; `fallback` is the policy of ports nobody spoke of. */
export function inboundOptions(
  { context }: Bed,
  control: FakeControl,
  own: Credentials & { readonly name: string },
  fallback: () => ServerPolicy,
  given: Partial<InboundOptions>,
): InboundOptions {
  const { families, pool, backOff, http2, tcp } = context;
  return {
    listen: { ip: "127.0.0.1", port: 0 },
    accept: {},
    ownIps: new Set(),
    name: own.name,
    credentials: () => own,
    detectTimeoutMs: 1_000,
    ports: createPorts({
      control,
      permanent: [],
      idleMs: IDLE_MS,
      defaultPolicy: fallback,
    }),
    apps: createApps({
      connectTimeoutMs: 1_000,
      tcp,
      pool,
      backOff,
      http2,
      meters: new TcpRecorder(families.tcp, INBOUND_DESTINATION_LABELS),
    }),
    http1: {},
    http2: {},
    inFlight: { count: 0, max: 10 },
    recorder: createInboundRecorder(families),
    drain: createDrain(),
    log: createTestLog().log,
    ...given,
  };
}
