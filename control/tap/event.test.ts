import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  HttpMethod_Registered,
  Scheme_Registered,
} from "../../schemas/proto/gen/http_types_pb.ts";
import {
  TapEvent_Http_RequestInitSchema,
  TapEvent_Http_ResponseEndSchema,
  TapEvent_Http_ResponseInitSchema,
  TapEvent_ProxyDirection,
  TapEventSchema,
} from "../../schemas/proto/gen/tap_pb.ts";
import type { TapEvent } from "../../schemas/tap.ts";
import { translateEvent } from "./event.ts";

const id = { base: 7, stream: 3n };
const text = (value: string) => new TextEncoder().encode(value);

function translate(
  init: MessageInitShape<typeof TapEventSchema>,
): TapEvent | null {
  const whoIs = (ip: string) =>
    ip === "10.0.0.1" ? { pod: "web", namespace: "shop" } : undefined;
  return translateEvent(create(TapEventSchema, init), 12, whoIs);
}

const http = (
  event:
    | {
      case: "requestInit";
      value: MessageInitShape<typeof TapEvent_Http_RequestInitSchema>;
    }
    | {
      case: "responseInit";
      value: MessageInitShape<typeof TapEvent_Http_ResponseInitSchema>;
    }
    | {
      case: "responseEnd";
      value: MessageInitShape<typeof TapEvent_Http_ResponseEndSchema>;
    },
) => ({ event: { case: "http" as const, value: { event } } });

test("a request's begin, with what is known of both ends", () => {
  const shown = translate({
    source: {
      ip: { ip: { case: "ipv4", value: 0x0a000001 } },
      port: 40_000,
    },
    sourceMeta: { labels: { tls: "true", pod: "a lie" } },
    destination: {
      ip: { ip: { case: "ipv6", value: { first: 0xfd00n << 48n, last: 1n } } },
      port: 80,
    },
    destinationMeta: { labels: { service: "api" } },
    routeMeta: { labels: { route: "api.shop" } },
    proxyDirection: TapEvent_ProxyDirection.OUTBOUND,
    ...http({
      case: "requestInit",
      value: {
        id,
        method: {
          type: { case: "registered", value: HttpMethod_Registered.POST },
        },
        scheme: {
          type: { case: "registered", value: Scheme_Registered.HTTPS },
        },
        authority: "api:80",
        path: "/a?b",
        headers: {
          headers: [
            { name: "x-name", value: text("\u202eevil\u001b[2J") },
            { name: "x-bin", value: new Uint8Array([0xff, 0xfe]) },
          ],
        },
      },
    }),
  });
  expect(shown).toEqual({
    source: {
      ip: "10.0.0.1",
      port: 40_000,
      metadata: { tls: "true", pod: "web", namespace: "shop" },
    },
    destination: { ip: "fd00::1", port: 80, metadata: { service: "api" } },
    routeMeta: { route: "api.shop" },
    proxyDirection: "OUTBOUND",
    requestInitEvent: {
      id: { base: 12, stream: 3 },
      method: "POST",
      scheme: "HTTPS",
      authority: "api:80",
      path: "/a?b",
      headers: [
        { name: "x-name", valueStr: "\u202eevil\u001b[2J" },
        { name: "x-bin", valueBin: "//4=" },
      ],
    },
  });
});

test("a response's begin, and words that are not registered", () => {
  const begin = translate(http({
    case: "responseInit",
    value: {
      id,
      sinceRequestInit: { seconds: 1n, nanos: 5_000 },
      httpStatus: 503,
    },
  }));
  expect(begin).toMatchObject({
    routeMeta: null,
    proxyDirection: "UNKNOWN",
    responseInitEvent: {
      sinceRequestInit: { seconds: 1, nanos: 5_000 },
      httpStatus: 503,
      headers: null,
    },
  });
  const other = translate(http({
    case: "requestInit",
    value: {
      method: { type: { case: "unregistered", value: "PURGE" } },
      scheme: { type: { case: "unregistered", value: "gopher" } },
    },
  }));
  expect(other?.requestInitEvent).toMatchObject({
    id: { base: 12, stream: 0 },
    method: "PURGE",
    scheme: "gopher",
  });
});

test.each([
  [undefined, { grpcStatusCode: 0 }],
  [{ case: "grpcStatusCode" as const, value: 0 }, {
    grpcStatusCode: 0,
    isGrpc: true,
  }],
  [{ case: "grpcStatusCode" as const, value: 14 }, {
    grpcStatusCode: 14,
    isGrpc: true,
  }],
  [{ case: "resetErrorCode" as const, value: 8 }, {
    grpcStatusCode: 0,
    resetErrorCode: 8,
  }],
])("a response that ends with %j", (end, expected) => {
  const shown = translate(http({
    case: "responseEnd",
    value: {
      id,
      sinceRequestInit: { nanos: 2 },
      responseBytes: 12n,
      ...end === undefined ? {} : { eos: { end } },
    },
  }));
  expect(shown?.responseEndEvent).toEqual({
    id: { base: 12, stream: 3 },
    sinceRequestInit: { nanos: 2 },
    sinceResponseInit: {},
    responseBytes: 12,
    trailers: null,
    ...expected,
  });
});

test("an event that says nothing is none", () => {
  expect(translate({})).toBeNull();
  expect(translate({ event: { case: "http", value: {} } })).toBeNull();
});
