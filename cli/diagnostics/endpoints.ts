import {
  Destination,
  Http2ClientParamsSchema,
  type WeightedAddr,
  type WeightedAddrSet,
} from "../../schemas/proto/gen/destination_pb.ts";
import type { IPAddress, TcpAddress } from "../../schemas/proto/gen/net_pb.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { askController } from "./controller.ts";
import {
  type Endpoint,
  endpointsJson,
  endpointsTable,
} from "./endpoint-table.ts";
import { layOut } from "./go-layout.ts";
import type { GrpcClient } from "./grpc.ts";
import { formatIpv4, formatIpv6 } from "./print.ts";
import { GrpcError } from "./status.ts";

/** How long a controller may take to tell all endpoints; Linkerd's command always takes all of it. */
const PATIENCE_MS = 5_000;
/** No endpoint more for so long means that all were told: a controller says what it knows at once, in one or few messages. */
const QUIET_MS = 500;

/** Prints the endpoints that proxies are told to find behind authorities. */
export async function runEndpoints(
  given: Given,
  world: World,
): Promise<Outcome> {
  const authorities = given.words;
  if (authorities.length === 0) {
    throw new Problem(
      "config.invalid",
      "requires at least 1 arg(s), only received 0",
      { hint: "expected authorities, such as web.shop.svc.cluster.local:80" },
    );
  }
  const print = readPrinter(given);
  const contextToken = given.text("token") ?? "";
  return await askController(given, world, "destination", async (client) => {
    const ending = new AbortController();
    try {
      const found = await Promise.all(
        authorities.map((path) =>
          collect(client, { path, contextToken }, ending.signal)
        ),
      );
      return print(found.flat());
    } finally {
      ending.abort();
    }
  });
}

function readPrinter(given: Given): (found: Endpoint[]) => Outcome {
  const format = given.text("output") ?? "table";
  switch (format) {
    case "json":
      return (found) => ({ code: 0, stdout: [endpointsJson(found)] });
    case "table":
      return (found) =>
        found.length === 0
          ? { code: 0, stderr: "No endpoints found.\n" }
          : { code: 0, stdout: [endpointsTable(found)] };
    default:
      throw new Problem(
        "config.invalid",
        `--output currently only supports table and json, not "${format}"`,
      );
  }
}

/** What a stream says until it falls silent, at the end of it; what it takes back is not in it. */
async function collect(
  client: GrpcClient,
  request: { readonly path: string; readonly contextToken: string },
  end: AbortSignal,
): Promise<Endpoint[]> {
  const quiet = new AbortController();
  let timer = setTimeout(() => quiet.abort(), PATIENCE_MS);
  const latest = AbortSignal.timeout(PATIENCE_MS);
  const found = new Map<string, Endpoint>();
  const signal = AbortSignal.any([end, quiet.signal, latest]);
  let isAnswered = false;
  try {
    for await (
      const { update } of client.call(Destination.method.get, request, signal)
    ) {
      isAnswered = true;
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), QUIET_MS);
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
    clearTimeout(timer);
  }
  // A controller says at once that there is nothing: silence is no answer.
  if (isAnswered || end.aborted) return [...found.values()];
  throw new GrpcError(
    "DeadlineExceeded",
    `no answer about ${request.path} within ${PATIENCE_MS} ms`,
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
