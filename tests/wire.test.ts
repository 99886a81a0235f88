import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "bun:test";
import { Output } from "../proxy/channel.ts";
import {
  decodeOutboundPolicy,
  encodeTrafficSpec,
} from "../proxy/wire/outbound-policy.ts";
import {
  decodeProfile,
  decodeUpdate,
  encodeGetDestination,
} from "../proxy/wire/destination.ts";
import {
  decodeCertifyResponse,
  encodeCertifyRequest,
} from "../proxy/wire/identity.ts";
import {
  decodeServerPolicy,
  encodePortSpec,
} from "../proxy/wire/server-policy.ts";
import {
  decodeHeader,
  encodeHeader,
  TransportHeaderReader,
  writeTransportHeader,
} from "../proxy/wire/transport-header.ts";
import { formatIp } from "../schemas/address.ts";
import type { Endpoint } from "../schemas/destination.ts";
import { Problem } from "../schemas/problem.ts";
import {
  DestinationProfileSchema,
  GetDestinationSchema,
  UpdateSchema,
  type WeightedAddr,
  WeightedAddrSchema,
} from "../schemas/proto/gen/destination_pb.ts";
import {
  CertifyRequestSchema,
  CertifyResponseSchema,
} from "../schemas/proto/gen/identity_pb.ts";
import {
  PortSpecSchema,
  ServerSchema,
} from "../schemas/proto/gen/inbound_pb.ts";
import type { TcpAddress } from "../schemas/proto/gen/net_pb.ts";
import {
  OutboundPolicySchema,
  TrafficSpecSchema,
} from "../schemas/proto/gen/outbound_pb.ts";
import { HeaderSchema } from "../schemas/proto/gen/transport_header_pb.ts";
import {
  createRandom,
  integer,
  randomMessage,
  randomText,
} from "./testing/random-message.ts";

const ROUNDS = 300;

/** What an address of the generated code means, written without our decoder. */
function addressOf(address: TcpAddress | undefined): string | null {
  const ip = address?.ip?.ip;
  const port = address?.port ?? 0;
  if (ip?.case === undefined || port < 1 || port > 65535) return null;
  if (ip.case === "ipv4") {
    return `${
      [24, 16, 8, 0].map((by) => (ip.value >>> by) & 255).join(".")
    } ${port}`;
  }
  const hex = [ip.value.first, ip.value.last].map((half) =>
    half.toString(16).padStart(16, "0")
  ).join("");
  return `${formatIp(Uint8Array.fromHex(hex))} ${port}`;
}

function identityOf(message: WeightedAddr): Endpoint["identity"] {
  const tls = message.tlsIdentity;
  if (tls?.strategy.case === undefined) return null;
  const kind = tls.strategy.case === "dnsLikeIdentity" ? "dns" : "uri";
  const id = tls.strategy.case === "dnsLikeIdentity"
    ? tls.strategy.value.name
    : tls.strategy.value.uri;
  const serverName = tls.serverName?.name || (kind === "dns" ? id : "");
  return id === "" || serverName === "" ? null : { id, kind, serverName };
}

function expectEndpoint(
  endpoint: Endpoint,
  message: WeightedAddr,
  shared: Readonly<Record<string, string>>,
): void {
  const { ip, port } = endpoint.address;
  const { protocolHint: hint, http2 } = message;
  const inbound = hint?.opaqueTransport?.inboundPort ?? 0;
  expect(`${ip} ${port}`).toBe(addressOf(message.addr) ?? "unusable");
  expect(endpoint.weight).toBe(message.weight);
  expect({ ...endpoint.labels }).toEqual({
    ...shared,
    ...message.metricLabels,
  });
  expect(endpoint.identity).toEqual(identityOf(message));
  expect(endpoint.protocolHint).toBe(hint?.protocol.case ?? "none");
  expect(endpoint.inboundPort).toBe(
    inbound >= 1 && inbound <= 65535 ? inbound : null,
  );
  expect(endpoint.authorityOverride).toBe(
    message.authorityOverride?.authorityOverride || null,
  );
  expect(endpoint.http2 === null).toBe(http2 === undefined);
}

function isUsable(message: WeightedAddr): boolean {
  const secure = message.tlsIdentity === undefined ||
    identityOf(message) !== null;
  return secure && addressOf(message.addr) !== null;
}

describe("our codec beside the generated one", () => {
  test("reads random endpoint updates alike", () => {
    const random = createRandom(1);
    const kinds = new Set<string>();
    let compared = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const message = randomMessage(UpdateSchema, random);
      const update = decodeUpdate(toBinary(UpdateSchema, message), new Set());
      kinds.add(update.kind);
      if (message.update.case === "add") {
        const { addrs, metricLabels } = message.update.value;
        const usable = addrs.filter(isUsable);
        if (update.kind !== "add") throw new Error(update.kind);
        expect(update.endpoints.length).toBe(usable.length);
        for (const [at, endpoint] of update.endpoints.entries()) {
          const from = usable[at] ?? create(WeightedAddrSchema);
          expectEndpoint(endpoint, from, metricLabels);
          compared++;
        }
      } else if (message.update.case === "remove") {
        const wanted = message.update.value.addrs.map(addressOf);
        if (update.kind !== "remove") throw new Error(update.kind);
        expect(update.addresses.map(({ ip, port }) => `${ip} ${port}`)).toEqual(
          wanted.filter((address) => address !== null),
        );
      } else if (message.update.case === "noEndpoints") {
        const { exists } = message.update.value;
        expect(update).toEqual({ kind: "none", exists });
      }
    }
    expect(compared).toBeGreaterThan(15);
    expect([...kinds].sort()).toEqual(["add", "none", "remove", "unknown"]);
  });

  test("reads random profiles and certificates alike", () => {
    const random = createRandom(2);
    for (let round = 0; round < ROUNDS; round++) {
      const message = randomMessage(DestinationProfileSchema, random);
      const bytes = toBinary(DestinationProfileSchema, message);
      const profile = decodeProfile(bytes, new Set());
      expect(profile.fullyQualifiedName).toBe(message.fullyQualifiedName);
      expect(profile.opaque).toBe(message.opaqueProtocol);
      expect(profile.endpoint !== null).toBe(
        message.endpoint !== undefined && isUsable(message.endpoint),
      );

      const answer = randomMessage(CertifyResponseSchema, random);
      const chain = decodeCertifyResponse(
        toBinary(CertifyResponseSchema, answer),
      );
      expect(chain.leaf).toEqual(answer.leafCertificate);
      expect([...chain.intermediates]).toEqual(answer.intermediateCertificates);
      expect(chain.validUntilMs).toBe(
        answer.validUntil === undefined
          ? Number.NaN
          : Number(answer.validUntil.seconds) * 1000 +
            answer.validUntil.nanos / 1e6,
      );
    }
  });

  test("writes requests that the generated code reads", () => {
    const random = createRandom(3);
    for (let round = 0; round < ROUNDS; round++) {
      const path = randomText(random);
      const context = randomText(random);
      const port = 1 + integer(random, 65535);
      expect(
        fromBinary(GetDestinationSchema, encodeGetDestination(path, context)),
      ).toEqual(create(GetDestinationSchema, { path, contextToken: context }));
      expect(fromBinary(PortSpecSchema, encodePortSpec(context, port)))
        .toEqual(create(PortSpecSchema, { workload: context, port }));
      const token = new TextEncoder().encode(context);
      const csr = new Uint8Array(integer(random, 600)).fill(7);
      expect(
        fromBinary(
          CertifyRequestSchema,
          encodeCertifyRequest(path, token, csr),
        ),
      ).toEqual(
        create(CertifyRequestSchema, {
          identity: path,
          token,
          certificateSigningRequest: csr,
        }),
      );
      const ip = formatIp(
        Uint8Array.from(
          { length: random() < 0.5 ? 4 : 16 },
          () => integer(random, 256),
        ),
      );
      const spec = fromBinary(
        TrafficSpecSchema,
        encodeTrafficSpec(context, { ip, port }),
      );
      if (spec.target.case !== "addr") throw new Error("no address");
      expect(addressOf(spec.target.value)).toBe(`${ip} ${port}`);
      expect(spec.sourceWorkload).toBe(context);
    }
    const named = fromBinary(
      TrafficSpecSchema,
      encodeTrafficSpec("w", "web:80"),
    );
    expect(named.target).toEqual({ case: "authority", value: "web:80" });
  });

  test("reads and writes transport headers, whole and byte by byte", () => {
    for (const session of [null, "http1", "http2"] as const) {
      for (const name of ["", "web.shop.svc.cluster.local"]) {
        const header = { port: 65535, name, session };
        const message = fromBinary(HeaderSchema, encodeHeader(header));
        expect(message.sessionProtocol?.kind.case ?? null).toBe(session);
        expect([message.port, message.name]).toEqual([65535, name]);
        expect(decodeHeader(toBinary(HeaderSchema, message))).toEqual(header);

        const out = new Output();
        writeTransportHeader(out, header);
        out.append(new TextEncoder().encode("payload"));
        const sent = out.bytes.slice(0, out.length);
        const end = sent.length - "payload".length;
        expect(new TransportHeaderReader().push(sent)).toEqual({
          header,
          consumed: end,
        });
        const dripped = new TransportHeaderReader();
        for (let at = 0; at < end - 1; at++) {
          expect(dripped.push(sent.subarray(at, at + 1))).toBeNull();
        }
        expect(dripped.push(sent.subarray(end - 1))).toEqual({
          header,
          consumed: 1,
        });
      }
    }
  });

  test("takes any policy the API can express, and any damage, without surprise", () => {
    const random = createRandom(4);
    const refusals = { protocol: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const server = randomMessage(ServerSchema, random);
      const policy = randomMessage(OutboundPolicySchema, random);
      for (
        const [bytes, read] of [
          [toBinary(ServerSchema, server), decodeServerPolicy],
          [toBinary(OutboundPolicySchema, policy), decodeOutboundPolicy],
        ] as const
      ) {
        const attempts = [bytes];
        for (let copy = 0; copy < 5 && bytes.length > 0; copy++) {
          const damaged = bytes.slice(0, 1 + integer(random, bytes.length));
          damaged[integer(random, damaged.length)] = integer(random, 256);
          attempts.push(damaged);
        }
        for (const attempt of attempts) {
          try {
            read(attempt, new Set());
          } catch (error) {
            if (!(error instanceof Problem)) throw error;
            expect(error.code).toBe("protocol.invalid");
            refusals.protocol++;
          }
        }
      }
    }
    expect(refusals.protocol).toBeGreaterThan(0);
  });
});
