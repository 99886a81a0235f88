import { formatAddress } from "../../schemas/address.ts";
import type { TraceConfig } from "../config/trace.ts";
import {
  openControlClient,
  type OpenOptions,
  waysTo,
} from "../control/open.ts";
import type { Log } from "../log.ts";
import { recordExports, type TraceFamilies } from "../record/trace.ts";
import { createClock } from "./clock.ts";
import { createExporter, type Exporter, type Send } from "./exporter.ts";
import { json } from "./json.ts";
import { protobuf } from "./protobuf.ts";
import type { Tracing } from "./request-trace.ts";
import { sendByGrpc } from "./send-grpc.ts";
import { sendByHttp } from "./send-http.ts";
import type { Attributes } from "./span.ts";

/** OTLP's registered port for gRPC; at any other a collector is taken for one that speaks HTTP (decision 0177). */
const GRPC_PORT = 4317;
/** For one request (OpenTelemetry's default for exporters). */
const TIMEOUT_MS = 10_000;

/** What tracing needs of the proxy besides its configuration. */
export interface TracingOptions extends Omit<OpenOptions, "log" | "dialled"> {
  /** Whose spans they are. */
  readonly resource: Attributes;
  readonly families: TraceFamilies;
  readonly log: Log;
}

type Collector = NonNullable<TraceConfig["collector"]>;

/** Begins to take part in traces; close it, so that the last spans arrive. */
export function openTracing(
  collector: Collector,
  options: TracingOptions,
): Tracing & Pick<Exporter, "close"> {
  const { resource, log } = options;
  const recorder = recordExports(options.families);
  const opening: OpenOptions = {
    ...options,
    // Each attempt; what comes of them the exporter says, once.
    log: (_level, message, fields) => log.debug(message, fields),
    dialled: recorder.connected,
  };
  const isGrpc = collector.port === GRPC_PORT;
  const { ended, close } = createExporter({
    encoding: isGrpc ? protobuf : json,
    send: isGrpc ? overGrpc(collector, opening) : overHttp(collector, opening),
    resource,
    recorder,
    random: Math.random,
    collector: formatAddress({ ip: collector.host, port: collector.port }),
    log,
  });
  return {
    ended,
    close,
    now: createClock(Date.now, () => performance.now()),
    random: Math.random,
  };
}

const UNLIMITED = {
  initialTimeoutMs: undefined,
  idleTimeoutMs: undefined,
  lifetimeMs: undefined,
};

function overGrpc(collector: Collector, options: OpenOptions): Send {
  const service = { ...collector, stream: UNLIMITED };
  const client = openControlClient("trace_collector", service, options);
  return sendByGrpc(client, TIMEOUT_MS);
}

function overHttp(collector: Collector, options: OpenOptions): Send {
  const { host, port } = collector;
  return sendByHttp({
    host,
    port,
    ...waysTo("trace_collector", collector, options),
    random: Math.random,
    timeoutMs: TIMEOUT_MS,
  });
}
