import {
  formatIp,
  type Network,
  parseIp,
  type SocketAddress,
} from "../../schemas/address.ts";
import type { Meta, Resource, ServerMeta } from "../../schemas/policy.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** Collects what a message asks for and this version does not do; a set, so that a repeated one is said once. */
export type Notices = Set<string>;

/** Bytes of an `IPAddress`, or null when it carries neither family. */
export function readIp(reader: Reader): Uint8Array | null {
  let ip: Uint8Array | null = null;
  while (reader.next()) {
    if (reader.field === 1) {
      const v4 = reader.fixed32();
      ip = Uint8Array.of(v4 >>> 24, v4 >>> 16, v4 >>> 8, v4);
    } else if (reader.field === 2) ip = reader.message(readIpv6);
    else reader.skip();
  }
  return ip;
}

function readIpv6(reader: Reader): Uint8Array {
  const bytes = new Uint8Array(16);
  while (reader.next()) {
    if (reader.field === 1) reader.fixed64(bytes, 0);
    else if (reader.field === 2) reader.fixed64(bytes, 8);
    else reader.skip();
  }
  return bytes;
}

/** An address and port, or null when no connection could be made to it. */
export function readTcpAddress(reader: Reader): SocketAddress | null {
  let ip: Uint8Array | null = null;
  let port = 0;
  while (reader.next()) {
    if (reader.field === 1) ip = reader.message(readIp);
    else if (reader.field === 2) port = reader.uint32();
    else reader.skip();
  }
  if (ip === null || port < 1 || port > 65535) return null;
  return { ip: formatIp(ip), port };
}

export function writeTcpAddress(writer: Writer, address: SocketAddress): void {
  const ip = parseIp(address.ip) ?? new Uint8Array(4);
  writer.message(1, (inner) => {
    if (ip.length === 4) {
      inner.fixed32(1, new DataView(ip.buffer).getUint32(0));
    } else {
      inner.message(2, (v6) => {
        v6.fixed64(1, ip.subarray(0, 8)).fixed64(2, ip.subarray(8));
      });
    }
  }).uint32(2, address.port);
}

/** A network, or null when its length does not fit its family. */
export function readNetwork(reader: Reader): Network | null {
  let base: Uint8Array | null = null;
  let prefixBits = 0;
  while (reader.next()) {
    if (reader.field === 1) base = reader.message(readIp);
    else if (reader.field === 2) prefixBits = reader.uint32();
    else reader.skip();
  }
  return base === null || prefixBits > base.length * 8
    ? null
    : { base, prefixBits };
}

/** One entry of a `map<string, string>` into `labels`. */
export function readLabel(
  reader: Reader,
  labels: Record<string, string>,
): void {
  reader.message((entry) => {
    let key = "";
    let value = "";
    while (entry.next()) {
      if (entry.field === 1) key = entry.string();
      else if (entry.field === 2) value = entry.string();
      else entry.skip();
    }
    labels[key] = value;
  });
}

/** Labels start without a prototype: their keys come from outside. */
export function emptyLabels(): Record<string, string> {
  return Object.create(null);
}

/** Longest duration kept: timers hold 2^31-1 ms. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** Milliseconds of a `google.protobuf.Duration`; negative ones count as 0, endless ones as 24 days. */
export function readDuration(reader: Reader): number {
  const ms = readMoment(reader);
  return Math.min(Math.max(ms, 0), MAX_DURATION_MS);
}

/** Unix milliseconds of a `google.protobuf.Timestamp`; its fields are those of a duration. */
export function readMoment(reader: Reader): number {
  let seconds = 0;
  let nanos = 0;
  while (reader.next()) {
    if (reader.field === 1) seconds = reader.int64();
    else if (reader.field === 2) nanos = reader.int32();
    else reader.skip();
  }
  return seconds * 1000 + nanos / 1_000_000;
}

export function readMeta(reader: Reader): Meta {
  let meta: Meta = { kind: "default", name: "" };
  while (reader.next()) {
    if (reader.field === 1) meta = { kind: "default", name: reader.string() };
    else if (reader.field === 2) {
      meta = { kind: "resource", resource: reader.message(readResource) };
    } else reader.skip();
  }
  return meta;
}

function readResource(reader: Reader): Resource {
  let group = "", kind = "", name = "", namespace = "", section = "", port = 0;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        group = reader.string();
        break;
      case 2:
        kind = reader.string();
        break;
      case 3:
        name = reader.string();
        break;
      case 4:
        namespace = reader.string();
        break;
      case 5:
        section = reader.string();
        break;
      case 6:
        port = reader.uint32();
        break;
      default:
        reader.skip();
    }
  }
  return { group, kind, name, namespace, section, port };
}

/** A name for people: `core/Service web.shop`, or that of a default. */
export function describeMeta(meta: Meta): string {
  if (meta.kind === "default") return `default ${meta.name}`;
  const { group, kind, name, namespace } = meta.resource;
  return `${group === "" ? "core" : group}/${kind} ${name}.${namespace}`;
}

/** A default has group "" and kind "default" in metrics (facts 5.4). */
export function toServerMeta(meta: Meta): ServerMeta {
  if (meta.kind === "default") {
    return { group: "", kind: "default", name: meta.name };
  }
  const { group, kind, name } = meta.resource;
  return { group, kind, name };
}
