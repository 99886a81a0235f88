import { harmless } from "../../../schemas/harmless.ts";
import type { Labels, TapEnd, TapEvent, TapId } from "../../../schemas/tap.ts";
import { nanosOf } from "./duration.ts";
import { grpcStatus } from "../../grpc-status.ts";

const DIRECTIONS = { INBOUND: "in ", OUTBOUND: "out", UNKNOWN: "???" } as const;

/** An event as a line, without its end: what `tap` prints by default. */
export function formatEvent(event: TapEvent): string {
  const flow = formatFlow(event);
  const { requestInitEvent, responseInitEvent, responseEndEvent } = event;
  if (requestInitEvent) {
    const { id, method, authority, path } = requestInitEvent;
    return `req id=${formatId(id)} ${flow} :method=${harmless(method)}` +
      ` :authority=${harmless(authority)} :path=${harmless(path)}`;
  }
  if (responseInitEvent) {
    const { id, httpStatus, sinceRequestInit } = responseInitEvent;
    return `rsp id=${formatId(id)} ${flow} :status=${httpStatus}` +
      ` latency=${micros(nanosOf(sinceRequestInit))}`;
  }
  if (responseEndEvent) {
    const { id, sinceResponseInit, responseBytes } = responseEndEvent;
    return `end id=${formatId(id)} ${flow}${formatEnding(responseEndEvent)}` +
      ` duration=${micros(nanosOf(sinceResponseInit))}` +
      ` response-length=${responseBytes}B`;
  }
  return `unknown ${flow}`;
}

/** The same, with all labels. */
export function formatWide(event: TapEvent): string {
  return [
    formatEvent(event),
    ...labels("src", event.source.metadata),
    ...labels("dst", event.destination.metadata),
    ...labels("rt", event.routeMeta ?? {}),
  ].join(" ");
}

function formatFlow(
  { proxyDirection, source, destination }: TapEvent,
): string {
  const peer = { INBOUND: source, OUTBOUND: destination, UNKNOWN: null };
  const tls = peer[proxyDirection]?.metadata["tls"] ?? "";
  return `proxy=${DIRECTIONS[proxyDirection]} src=${addressOf(source)}` +
    ` dst=${addressOf(destination)} tls=${harmless(tls)}`;
}

function addressOf({ ip, port }: TapEnd): string {
  const host = harmless(ip);
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function formatId({ base, stream }: TapId): string {
  return `${base}:${stream}`;
}

function formatEnding(
  { resetErrorCode, isGrpc, grpcStatusCode }: NonNullable<
    TapEvent["responseEndEvent"]
  >,
): string {
  if (resetErrorCode !== undefined) return ` reset-error=${resetErrorCode}`;
  return isGrpc === true || grpcStatusCode > 0
    ? ` grpc-status=${grpcStatus(grpcStatusCode)}`
    : "";
}

function micros(nanos: number): string {
  return `${Math.floor(nanos / 1_000)}µs`;
}

function labels(prefix: string, of: Labels): string[] {
  return Object.keys(of).sort().map((name) =>
    `${prefix}_${harmless(name)}=${harmless(of[name] ?? "")}`
  );
}
