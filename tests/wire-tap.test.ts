import {
  create,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { describe, expect, test } from "bun:test";
import { Field } from "../proxy/http/field.ts";
import type { Destination, Source, TapEvent } from "../proxy/tap/event.ts";
import { decodeObserveRequest } from "../proxy/wire/tap.ts";
import {
  encodeDestination,
  encodeMoment,
  encodeRoute,
  encodeSource,
} from "../proxy/wire/tap-event.ts";
import {
  type ObserveRequest_Match,
  ObserveRequest_MatchSchema,
  ObserveRequestSchema,
  TapEvent_ProxyDirection as Direction,
  TapEventSchema,
} from "../schemas/proto/gen/tap_pb.ts";
import { Problem } from "../schemas/problem.ts";
import { createRandom, randomMessage } from "./testing/random-message.ts";

type Match = NonNullable<
  MessageInitShape<typeof ObserveRequest_MatchSchema>["match"]
>;

function bytesOf(init: MessageInitShape<typeof ObserveRequestSchema>) {
  return toBinary(ObserveRequestSchema, create(ObserveRequestSchema, init));
}

/** What is said of a request that cannot be read. */
function refusal(bytes: Uint8Array): string {
  try {
    decodeObserveRequest(bytes);
  } catch (thrown) {
    if (thrown instanceof Problem) return thrown.message;
    throw thrown;
  }
  return "";
}

const ip = (value: number) => ({ ip: { case: "ipv4" as const, value } });

describe("decodeObserveRequest()", () => {
  test("reads the limit, what is extracted, and every kind of match", () => {
    const http = { case: "http" as const };
    const match: Match = {
      case: "all",
      value: {
        matches: [
          { match: { case: "any", value: { matches: [{}] } } },
          {
            match: {
              case: "not",
              value: {
                match: {
                  case: "source",
                  value: {
                    match: {
                      case: "netmask",
                      value: { ip: ip(0x0a000000), mask: 8 },
                    },
                  },
                },
              },
            },
          },
          {
            match: {
              case: "destination",
              value: { match: { case: "ports", value: { max: 80 } } },
            },
          },
          {
            match: {
              case: "destinationLabel",
              value: { key: "namespace", value: "shop" },
            },
          },
          {
            match: { case: "routeLabel", value: { key: "route", value: "a" } },
          },
          {
            match: {
              ...http,
              value: {
                match: {
                  case: "scheme",
                  value: { type: { case: "registered", value: 1 } },
                },
              },
            },
          },
          {
            match: {
              ...http,
              value: {
                match: {
                  case: "method",
                  value: { type: { case: "unregistered", value: "PURGE" } },
                },
              },
            },
          },
          {
            match: {
              ...http,
              value: {
                match: {
                  case: "authority",
                  value: { match: { case: "exact", value: "web:80" } },
                },
              },
            },
          },
          {
            match: {
              ...http,
              value: {
                match: {
                  case: "path",
                  value: { match: { case: "prefix", value: "/a" } },
                },
              },
            },
          },
        ],
      },
    };
    const request = decodeObserveRequest(bytesOf({
      limit: 7,
      match: { match },
      extract: {
        extract: {
          case: "http",
          value: { extract: { case: "headers", value: {} } },
        },
      },
    }));
    expect(request).toEqual({
      limit: 7,
      fields: true,
      match: {
        kind: "all",
        matches: [
          { kind: "any", matches: [] },
          {
            kind: "not",
            match: {
              kind: "network",
              of: "source",
              network: { base: Uint8Array.of(10, 0, 0, 0), prefixBits: 8 },
            },
          },
          { kind: "ports", of: "destination", first: 80, last: 80 },
          {
            kind: "label",
            of: "destination",
            name: "namespace",
            value: "shop",
          },
          { kind: "label", of: "route", name: "route", value: "a" },
          { kind: "scheme", value: "https" },
          { kind: "method", value: "PURGE" },
          { kind: "authority", how: "exact", value: "web:80" },
          { kind: "path", how: "prefix", value: "/a" },
        ],
      },
    });
  });

  test("refuses what means nothing, and says what", () => {
    expect(refusal(bytesOf({ match: {} }))).toBe("limit must be positive");
    const missing = "missing required field";
    expect(refusal(bytesOf({ limit: 1 }))).toBe(missing);
    expect(refusal(bytesOf({ limit: 1, match: {} }))).toBe(missing);
    const of = (match: Match) =>
      refusal(bytesOf({ limit: 1, match: { match } }));
    expect(of({ case: "not", value: {} })).toBe(missing);
    expect(of({ case: "http", value: {} })).toBe(missing);
    expect(of({ case: "routeLabel", value: { key: "route" } })).toBe(missing);
    const ports = (min: number, max: number) =>
      of({
        case: "source",
        value: { match: { case: "ports", value: { min, max } } },
      });
    expect([ports(0, 0), ports(1, 65_536)])
      .toEqual([missing, "invalid port number"]);
    const netmask = (mask: number) =>
      of({
        case: "source",
        value: { match: { case: "netmask", value: { ip: ip(1), mask } } },
      });
    const invalid = "invalid network address";
    expect([netmask(0), netmask(33), netmask(32)])
      .toEqual([invalid, invalid, ""]);
  });

  test("holds to its bounds of depth and number", () => {
    const nest = (depth: number): ObserveRequest_Match =>
      create(ObserveRequest_MatchSchema, {
        match: depth === 0
          ? { case: "all", value: {} }
          : { case: "not", value: nest(depth - 1) },
      });
    const deep = (depth: number) =>
      refusal(bytesOf({ limit: 1, match: nest(depth) }));
    expect(deep(15)).toBe("");
    expect(deep(16)).toBe("matches are nested deeper than 16");
    expect(deep(2_000)).toBe("matches are nested deeper than 16");
    const many = (count: number) =>
      refusal(bytesOf({
        limit: 1,
        match: {
          match: {
            case: "any",
            value: { matches: Array.from({ length: count }, () => ({})) },
          },
        },
      }));
    expect(many(511)).toBe("");
    expect(many(512)).toBe("more than 512 matches");
  });

  test("reads whatever Linkerd's schema can say, and fails in words on any other bytes", () => {
    const random = createRandom(168);
    for (let round = 0; round < 300; round++) {
      const bytes = toBinary(
        ObserveRequestSchema,
        randomMessage(ObserveRequestSchema, random, 6),
      );
      expect(refusal(bytes)).not.toContain("protobuf");
      const broken = Uint8Array.from(
        bytes,
        (byte) => random() < 0.02 ? Math.floor(random() * 256) : byte,
      );
      expect(refusal(broken)).toBeString();
      expect(refusal(bytes.subarray(0, bytes.length * random())))
        .toBeString();
    }
  });
});

const SOURCE: Source = {
  direction: "outbound",
  address: { ip: "10.0.0.7", port: 4_000 },
  labels: { tls: "loopback" },
};
const DESTINATION: Destination = {
  address: { ip: "fd00::1", port: 80 },
  labels: { pod: "web-1", tls: "true" },
};
const WHOLE = [
  encodeSource(SOURCE),
  encodeDestination(DESTINATION),
  encodeRoute({ route: "a" }),
];
const ID = { base: 3, stream: 2 ** 31 };

function decode(event: TapEvent, parts = WHOLE) {
  const bytes = Buffer.concat([...parts, encodeMoment(event)]);
  const { event: { value }, ...rest } = fromBinary(TapEventSchema, bytes);
  return { ...rest, moment: value?.event };
}

describe("a tap event", () => {
  test("says between whom a request goes", () => {
    const found = decode({
      kind: "request-init",
      id: ID,
      method: "GET",
      scheme: "http",
      authority: "web",
      path: "/é",
      fields: null,
    });
    expect(found).toMatchObject({
      source: { port: 4_000, ip: { ip: { case: "ipv4", value: 0x0a000007 } } },
      sourceMeta: { labels: SOURCE.labels },
      destination: {
        port: 80,
        ip: { ip: { value: { first: 0xfd00000000000000n, last: 1n } } },
      },
      destinationMeta: { labels: { pod: "web-1", tls: "true" } },
      routeMeta: { labels: { route: "a" } },
      proxyDirection: Direction.OUTBOUND,
      moment: {
        case: "requestInit",
        value: {
          id: { base: 3, stream: 2n ** 31n },
          method: { type: { case: "registered", value: 0 } },
          scheme: { type: { case: "registered", value: 0 } },
          authority: "web",
          path: "/é",
        },
      },
    });
    const bare = [
      encodeSource({ ...SOURCE, address: null }),
      encodeDestination({ ...DESTINATION, labels: null }),
    ];
    const { source, destinationMeta, routeMeta } = decode(
      {
        kind: "response-init",
        id: ID,
        sinceRequestInitMs: 0,
        status: 200,
        fields: [],
      },
      bare,
    );
    expect([source, destinationMeta, routeMeta])
      .toEqual([undefined, undefined, undefined]);
  });

  test("has words of its own for what has no number, and values octet for octet", () => {
    const octets = Uint8Array.of(0x1b, 0xff, 0x41);
    const name = Field.of("x-a", "").name;
    const { moment } = decode({
      kind: "request-init",
      id: ID,
      method: "PURGE",
      scheme: "ftp",
      authority: "",
      path: "",
      fields: [new Field(name, octets)],
    });
    expect(moment).toMatchObject({
      value: {
        method: { type: { case: "unregistered", value: "PURGE" } },
        scheme: { type: { case: "unregistered", value: "ftp" } },
        headers: { headers: [{ name: "x-a", value: octets }] },
      },
    });
  });

  test("tells durations, sizes and how a response ended", () => {
    const end = (end: Extract<TapEvent, { kind: "response-end" }>["end"]) =>
      decode({
        kind: "response-end",
        id: ID,
        sinceRequestInitMs: 2_000.5,
        sinceResponseInitMs: null,
        bytes: 5 * 2 ** 33 + 1,
        end,
        trailers: [],
      }).moment?.value;
    expect(end({ kind: "grpc", code: 0 })).toMatchObject({
      sinceRequestInit: { seconds: 2n, nanos: 500_000 },
      responseBytes: 5n * 2n ** 33n + 1n,
      eos: { end: { case: "grpcStatusCode", value: 0 } },
      trailers: { headers: [] },
    });
    expect(end({ kind: "reset", code: 8 }))
      .toMatchObject({ eos: { end: { case: "resetErrorCode", value: 8 } } });
    expect(end(null)).toMatchObject({ eos: { end: { case: undefined } } });
  });
});
