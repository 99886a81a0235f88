import {
  Destination,
  Http2ClientParamsSchema,
  type WeightedAddr,
  type WeightedAddrSet,
} from "../../schemas/proto/gen/destination_pb.ts";
import type { IPAddress, TcpAddress } from "../../schemas/proto/gen/net_pb.ts";
import type { Endpoint } from "./endpoint-table.ts";
import { layOut } from "./go-layout.ts";
import type { GrpcClient } from "./grpc.ts";
import { formatIpv4, formatIpv6 } from "./print.ts";
import { GrpcError } from "./status.ts";

/** How long to listen to a controller. */
export interface Patience {
  /** For all it says; Linkerd's command always takes all of this. */
  readonly totalMs: number;
  /** After its last word: it says what it knows at once, in one or few messages. */
  readonly quietMs: number;
}

export const PATIENCE: Patience = { totalMs: 5_000, quietMs: 500 };

/**
 * The endpoints of an authority as they are when the controller falls silent. Throws `GrpcError`, and so when it never
 * said a word: one that knows no endpoints says so.
 */
export async function collectEndpoints(
  client: Pick<GrpcClient, "call">,
  request: { readonly path: string; readonly contextToken: string },
  { totalMs, quietMs }: Patience,
  end: AbortSignal,
): Promise<Endpoint[]> {
  const enough = new AbortController();
  const stop = () => enough.abort();
  const latest = setTimeout(stop, totalMs);
  let quiet: ReturnType<typeof setTimeout> | undefined;
  const signal = AbortSignal.any([end, enough.signal]);
  const found = new Map<string, Endpoint>();
  let isAnswered = false;
  try {
    for await (
      const { update } of client.call(Destination.method.get, request, signal)
    ) {
      isAnswered = true;
      clearTimeout(quiet);
      quiet = setTimeout(stop, quietMs);
      if (update.case === "add") {
        for (const one of update.value.addrs) {
          found.set(keyOf(one.addr), toEndpoint(one, update.value));
        }
      }
      if (update.case === "remove") {
        for (const addr of update.value.addrs) found.delete(keyOf(addr));
      }
      if (update.case === "noEndpoints") found.clear();
    }
  } finally {
    clearTimeout(latest);
    clearTimeout(quiet);
  }
  if (isAnswered || end.aborted) return [...found.values()];
  throw new GrpcError(
    "DeadlineExceeded",
    `no answer about ${request.path} within ${totalMs} ms`,
  );
}

function toEndpoint(
  { addr, weight, metricLabels, http2 }: WeightedAddr,
  set: WeightedAddrSet,
): Endpoint {
  const namespace = set.metricLabels["namespace"] ?? "";
  return {
    namespace,
    ip: formatIpAddress(addr?.ip),
    port: addr?.port ?? 0,
    pod: metricLabels["pod"] ?? "",
    service: `${set.metricLabels["service"] ?? ""}.${namespace}`,
    weight,
    ...(http2 === undefined
      ? {}
      : { http2: layOut(Http2ClientParamsSchema, http2) }),
    labels: metricLabels,
  };
}

function keyOf(addr: TcpAddress | undefined): string {
  return `${formatIpAddress(addr?.ip)} ${addr?.port ?? 0}`;
}

function formatIpAddress(address: IPAddress | undefined): string {
  switch (address?.ip.case) {
    case "ipv4":
      return formatIpv4(address.ip.value);
    case "ipv6":
      return formatIpv6(address.ip.value.first, address.ip.value.last);
    case undefined:
      return "";
  }
}
