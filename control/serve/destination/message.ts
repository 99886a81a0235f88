import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type {
  Endpoint,
  Http2Params,
  TlsIdentity,
} from "../../../schemas/destination.ts";
import {
  type Http2ClientParamsSchema,
  type ProtocolHintSchema,
  type TlsIdentitySchema,
  type Update,
  UpdateSchema,
  type WeightedAddr,
  WeightedAddrSchema,
} from "../../../schemas/proto/gen/destination_pb.ts";
import type { ObjectName } from "../../views.ts";
import { toTcpAddress } from "./address.ts";

/** `Update.add`: addresses that are new or have changed. */
export function addMessage(
  endpoints: readonly Endpoint[],
  { name, namespace }: ObjectName,
): Update {
  const addrs = endpoints.map(toWeightedAddr);
  const metricLabels = { service: name, namespace };
  return create(UpdateSchema, {
    update: { case: "add", value: { addrs, metricLabels } },
  });
}

/** `Update.remove`: addresses that are gone. */
export function removeMessage(endpoints: readonly Endpoint[]): Update {
  const addrs = endpoints.map(({ address }) => toTcpAddress(address));
  return create(UpdateSchema, { update: { case: "remove", value: { addrs } } });
}

/** `Update.no_endpoints`: nothing is left, of a Service that exists or does not. */
export function noEndpointsMessage(exists: boolean): Update {
  return create(UpdateSchema, {
    update: { case: "noEndpoints", value: { exists } },
  });
}

/** One endpoint as proxies read it. */
export function toWeightedAddr(endpoint: Endpoint): WeightedAddr {
  const { authorityOverride, http2, identity } = endpoint;
  const hint = toHint(endpoint);
  return create(WeightedAddrSchema, {
    addr: toTcpAddress(endpoint.address),
    weight: endpoint.weight,
    metricLabels: { ...endpoint.labels },
    ...identity === null ? {} : { tlsIdentity: toTlsIdentity(identity) },
    ...hint === null ? {} : { protocolHint: hint },
    ...authorityOverride === null
      ? {}
      : { authorityOverride: { authorityOverride } },
    ...http2 === null ? {} : { http2: toHttp2Params(http2) },
  });
}

function toTlsIdentity(
  { id, kind, serverName }: TlsIdentity,
): MessageInitShape<typeof TlsIdentitySchema> {
  return {
    strategy: kind === "dns"
      ? { case: "dnsLikeIdentity", value: { name: id } }
      : { case: "uriLikeIdentity", value: { uri: id } },
    serverName: { name: serverName },
  };
}

function toHint(
  { protocolHint, inboundPort }: Endpoint,
): MessageInitShape<typeof ProtocolHintSchema> | null {
  const protocol = protocolHint === "none"
    ? {}
    : { protocol: { case: protocolHint, value: {} } };
  const transport = inboundPort === null
    ? {}
    : { opaqueTransport: { inboundPort } };
  const hint = { ...protocol, ...transport };
  return Object.keys(hint).length === 0 ? null : hint;
}

function toHttp2Params(
  params: Http2Params,
): MessageInitShape<typeof Http2ClientParamsSchema> {
  const {
    initialStreamWindow,
    initialConnectionWindow,
    keepAliveIntervalMs,
    keepAliveTimeoutMs,
  } = params;
  const flowControl = {
    ...initialStreamWindow === undefined
      ? {}
      : { initialStreamWindowSize: initialStreamWindow },
    ...initialConnectionWindow === undefined
      ? {}
      : { initialConnectionWindowSize: initialConnectionWindow },
  };
  return {
    ...Object.keys(flowControl).length === 0 ? {} : { flowControl },
    ...keepAliveIntervalMs === undefined ? {} : {
      keepAlive: {
        interval: toDuration(keepAliveIntervalMs),
        ...keepAliveTimeoutMs === undefined
          ? {}
          : { timeout: toDuration(keepAliveTimeoutMs) },
        // A peer that died while nothing was sent is noticed before the next request is.
        whileIdle: true,
      },
    },
  };
}

/** A protobuf duration of milliseconds. */
export function toDuration(
  durationMs: number,
): { readonly seconds: bigint; readonly nanos: number } {
  return {
    seconds: BigInt(Math.floor(durationMs / 1_000)),
    nanos: Math.round((durationMs % 1_000) * 1_000_000),
  };
}
