import type {
  Endpoint,
  Http2Params,
  TlsIdentity,
} from "../../schemas/destination.ts";
import {
  emptyLabels,
  readDuration,
  readLabel,
  readTcpAddress,
} from "./common.ts";
import type { Reader } from "./reader.ts";

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

const NOWHERE = { ip: "", port: 0 };

/**
 * A `WeightedAddr`; null when its address is unusable, or when it demands an identity of a kind we do not know: to reach
 * such an endpoint in plaintext would be worse than not to reach it.
 */
export function readEndpoint(reader: Reader): Endpoint | null {
  const labels = emptyLabels();
  const draft: Mutable<Endpoint> = {
    address: NOWHERE,
    weight: 0,
    labels,
    identity: null,
    protocolHint: "none",
    inboundPort: null,
    authorityOverride: null,
    http2: null,
  };
  let usable = true;
  while (reader.next()) {
    if (reader.field === 5) {
      draft.identity = reader.message(readTlsIdentity);
      usable = draft.identity !== null;
    } else if (reader.field === 4) readLabel(reader, labels);
    else readField(reader, draft);
  }
  return usable && draft.address !== NOWHERE ? draft : null;
}

function readField(reader: Reader, draft: Mutable<Endpoint>): void {
  switch (reader.field) {
    case 1:
      draft.address = reader.message(readTcpAddress) ?? NOWHERE;
      return;
    case 3:
      draft.weight = reader.uint32();
      return;
    case 6:
      reader.message((hint) => readProtocolHint(hint, draft));
      return;
    case 7:
      draft.authorityOverride = reader.message(readOnlyText) || null;
      return;
    case 8:
      draft.http2 = reader.message(readHttp2Params);
      return;
    default:
      reader.skip();
  }
}

function readTlsIdentity(reader: Reader): TlsIdentity | null {
  let id = "";
  let kind: TlsIdentity["kind"] = "dns";
  let serverName = "";
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 3) {
      kind = reader.field === 1 ? "dns" : "uri";
      id = reader.message(readOnlyText);
    } else if (reader.field === 4) serverName = reader.message(readOnlyText);
    else reader.skip();
  }
  if (serverName === "" && kind === "dns") serverName = id;
  return id === "" || serverName === "" ? null : { id, kind, serverName };
}

function readProtocolHint(reader: Reader, draft: Mutable<Endpoint>): void {
  while (reader.next()) {
    if (reader.field === 2) draft.inboundPort = reader.message(readInboundPort);
    else {
      if (reader.field === 1) draft.protocolHint = "h2";
      if (reader.field === 3) draft.protocolHint = "opaque";
      reader.skip();
    }
  }
}

function readInboundPort(reader: Reader): number | null {
  let port = 0;
  while (reader.next()) {
    if (reader.field === 1) port = reader.uint32();
    else reader.skip();
  }
  return port >= 1 && port <= 65535 ? port : null;
}

function readHttp2Params(reader: Reader): Http2Params {
  const params: Mutable<Http2Params> = {};
  while (reader.next()) {
    if (reader.field === 1) reader.message((at) => readFlowControl(at, params));
    else if (reader.field === 2) {
      reader.message((at) => readKeepAlive(at, params));
    } else reader.skip();
  }
  return params;
}

function readFlowControl(reader: Reader, params: Mutable<Http2Params>): void {
  while (reader.next()) {
    if (reader.field === 1) params.initialConnectionWindow = reader.uint32();
    else if (reader.field === 2) params.initialStreamWindow = reader.uint32();
    else reader.skip();
  }
}

function readKeepAlive(reader: Reader, params: Mutable<Http2Params>): void {
  while (reader.next()) {
    if (reader.field === 1) {
      params.keepAliveIntervalMs = reader.message(readDuration);
    } else if (reader.field === 2) {
      params.keepAliveTimeoutMs = reader.message(readDuration);
    } else if (reader.field === 3) {
      params.keepAliveWhileIdle = reader.bool();
    } else reader.skip();
  }
}

/** The text of a message whose only field, number 1, is a text. */
export function readOnlyText(reader: Reader): string {
  let text = "";
  while (reader.next()) {
    if (reader.field === 1) text = reader.string();
    else reader.skip();
  }
  return text;
}
