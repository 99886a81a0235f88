import type { Duration } from "@bufbuild/protobuf/wkt";
import { formatIp } from "../../schemas/address.ts";
import {
  type Headers,
  type HttpMethod,
  HttpMethod_Registered,
  type Scheme,
  Scheme_Registered,
} from "../../schemas/proto/gen/http_types_pb.ts";
import type { TcpAddress } from "../../schemas/proto/gen/net_pb.ts";
import {
  type Eos,
  type TapEvent as ProxyEvent,
  type TapEvent_Http,
  type TapEvent_Http_StreamId,
  TapEvent_ProxyDirection as Direction,
} from "../../schemas/proto/gen/tap_pb.ts";
import type {
  Labels,
  TapDuration,
  TapEnd,
  TapEvent,
  TapField,
  TapId,
} from "../../schemas/tap.ts";

/** What is known of who has an address; undefined: nothing. */
export type WhoIs = (ip: string) => Labels | undefined;

/**
 * A proxy's event with what is known of both ends; null when it says nothing. Proxies number requests within a stream of
 * events: `base` is the stream's number, which no other has.
 */
export function translateEvent(
  event: ProxyEvent,
  base: number,
  whoIs: WhoIs,
): TapEvent | null {
  if (event.event.case !== "http") return null;
  const happened = translateHttp(event.event.value, base);
  if (happened === null) return null;
  return {
    source: endOf(event.source, event.sourceMeta?.labels, whoIs),
    destination: endOf(event.destination, event.destinationMeta?.labels, whoIs),
    routeMeta: event.routeMeta?.labels ?? null,
    proxyDirection: DIRECTIONS[event.proxyDirection] ?? "UNKNOWN",
    ...happened,
  };
}

const DIRECTIONS: Readonly<
  Record<number, TapEvent["proxyDirection"] | undefined>
> = {
  [Direction.INBOUND]: "INBOUND",
  [Direction.OUTBOUND]: "OUTBOUND",
};

/** What the cluster knows of an address goes before what a proxy says of it. */
function endOf(
  address: TcpAddress | undefined,
  said: Labels | undefined,
  whoIs: WhoIs,
): TapEnd {
  const ip = ipOf(address);
  return {
    ip,
    port: address?.port ?? 0,
    metadata: { ...said, ...whoIs(ip) },
  };
}

function ipOf(address: TcpAddress | undefined): string {
  const ip = address?.ip?.ip;
  if (ip?.case === "ipv4") {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, ip.value);
    return formatIp(bytes);
  }
  if (ip?.case === "ipv6") {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, ip.value.first);
    view.setBigUint64(8, ip.value.last);
    return formatIp(bytes);
  }
  return "";
}

type Happened = Pick<
  TapEvent,
  "requestInitEvent" | "responseInitEvent" | "responseEndEvent"
>;

function translateHttp(
  { event }: TapEvent_Http,
  base: number,
): Happened | null {
  switch (event.case) {
    case "requestInit": {
      const { id, method, scheme, authority, path, headers } = event.value;
      return {
        requestInitEvent: {
          id: idOf(id, base),
          method: methodOf(method),
          scheme: schemeOf(scheme),
          authority,
          path,
          headers: fieldsOf(headers),
        },
      };
    }
    case "responseInit": {
      const { id, sinceRequestInit, httpStatus, headers } = event.value;
      return {
        responseInitEvent: {
          id: idOf(id, base),
          sinceRequestInit: durationOf(sinceRequestInit),
          httpStatus,
          headers: fieldsOf(headers),
        },
      };
    }
    case "responseEnd": {
      const { id, sinceRequestInit, sinceResponseInit, trailers } = event.value;
      return {
        responseEndEvent: {
          id: idOf(id, base),
          sinceRequestInit: durationOf(sinceRequestInit),
          sinceResponseInit: durationOf(sinceResponseInit),
          responseBytes: Number(event.value.responseBytes),
          trailers: fieldsOf(trailers),
          ...eosOf(event.value.eos),
        },
      };
    }
    default:
      return null;
  }
}

function eosOf(eos: Eos | undefined) {
  switch (eos?.end.case) {
    case "grpcStatusCode":
      return { grpcStatusCode: eos.end.value, isGrpc: true };
    case "resetErrorCode":
      return { grpcStatusCode: 0, resetErrorCode: eos.end.value };
    default:
      return { grpcStatusCode: 0 };
  }
}

function idOf(id: TapEvent_Http_StreamId | undefined, base: number): TapId {
  return { base, stream: Number(id?.stream ?? 0n) };
}

function durationOf(duration: Duration | undefined): TapDuration {
  const { seconds = 0n, nanos = 0 } = duration ?? {};
  return {
    ...seconds === 0n ? {} : { seconds: Number(seconds) },
    ...nanos === 0 ? {} : { nanos },
  };
}

function methodOf(method: HttpMethod | undefined): string {
  if (method?.type.case === "unregistered") return method.type.value;
  return method?.type.case === "registered"
    ? HttpMethod_Registered[method.type.value] ?? ""
    : "";
}

function schemeOf(scheme: Scheme | undefined): string {
  if (scheme?.type.case === "unregistered") return scheme.type.value;
  return scheme?.type.case === "registered"
    ? Scheme_Registered[scheme.type.value] ?? ""
    : "";
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function fieldsOf(headers: Headers | undefined): readonly TapField[] | null {
  if (headers === undefined) return null;
  return headers.headers.map(({ name, value }) => {
    try {
      return { name, valueStr: UTF8.decode(value) };
    } catch {
      return { name, valueBin: Buffer.from(value).toString("base64") };
    }
  });
}
