import { Output } from "../channel.ts";
import { TRANSPORT_PROTOCOL } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import { decode, type Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** What a client proxy says first on a connection to a peer's inbound port. */
export interface TransportHeader {
  /** Port of the application, 1 to 65535. */
  readonly port: number;
  /** Name of a gateway's target; empty otherwise. */
  readonly name: string;
  /**
   * What the bytes after the header are; null: opaque. `detect`: for the receiver to find out, said of connections that
   * were opened before the client spoke. Linkerd's proxies write no such header, and take ours for opaque.
   */
  readonly session: "http1" | "http2" | "detect" | null;
}

/** Largest header accepted; Linkerd's receive buffer (facts 3.6). */
export const MAX_HEADER_BYTES = 64 * 1024;

const PREFACE = new TextEncoder().encode(`${TRANSPORT_PROTOCOL}\r\n\r\n`);
const LENGTH_BYTES = 4;
const PREFIX_BYTES = PREFACE.length + LENGTH_BYTES;
/** A DNS name: labels of letters, digits, dashes and underscores, at most 253 bytes, with or without the final dot. */
const DNS_NAME =
  /^(?=.{1,254}$)[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*\.?$/i;

/** Appends preface, length and header to what a connection sends. */
export function writeTransportHeader(
  out: Output,
  header: TransportHeader,
): void {
  const body = encodeHeader(header);
  out.append(PREFACE);
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, body.length);
  out.append(length);
  out.append(body);
}

/** The protobuf message alone. */
export function encodeHeader(header: TransportHeader): Uint8Array<ArrayBuffer> {
  const writer = new Writer().uint32(1, header.port).string(2, header.name);
  if (header.session !== null) {
    const kind = KINDS[header.session];
    writer.message(3, (session) => {
      if (kind !== null) session.message(kind, () => {});
    });
  }
  return writer.finish();
}

/** The protobuf message alone; throws `protocol.invalid` on a bad port or name, or a session of an unknown kind. */
export function decodeHeader(bytes: Uint8Array): TransportHeader {
  const header = decode(bytes, (reader) => {
    let port = 0;
    let name = "";
    let session: TransportHeader["session"] | "unknown" = null;
    while (reader.next()) {
      if (reader.field === 1) port = reader.int32();
      else if (reader.field === 2) name = reader.string();
      else if (reader.field === 3) session = reader.message(readSession);
      else reader.skip();
    }
    return { port, name, session };
  });
  const { port, name, session } = header;
  if (port < 1 || port > 65535) throw invalid(`port ${port}`);
  if (name !== "" && !DNS_NAME.test(name)) throw invalid(`name "${name}"`);
  if (session === "unknown") throw invalid("a session of an unknown kind");
  return { port, name, session };
}

/** A kind that we do not know must not be taken for opaque bytes. */
function readSession(reader: Reader): TransportHeader["session"] | "unknown" {
  let session: TransportHeader["session"] | "unknown" = "detect";
  while (reader.next()) {
    session = SESSIONS[reader.field] ?? "unknown";
    reader.skip();
  }
  return session;
}

/** Numbers of the kinds in a session message; `detect` is an empty one. */
const KINDS = { http1: 1, http2: 2, detect: null } as const;
const SESSIONS: Readonly<Record<number, "http1" | "http2">> = {
  1: "http1",
  2: "http2",
};

/** A header that has arrived, and how many bytes of the last chunk belonged to it; the rest is payload. */
export interface ReceivedHeader {
  readonly header: TransportHeader;
  readonly consumed: number;
}

/**
 * Reads a transport header from chunks as they come. Bytes that cannot begin one, and a length beyond
 * `MAX_HEADER_BYTES`, are refused as soon as they are seen (`protocol.invalid`); nothing is allocated for a length that
 * is only announced.
 */
export class TransportHeaderReader {
  private readonly kept = new Output();

  /** Null while more is needed. */
  push(chunk: Uint8Array): ReceivedHeader | null {
    const before = this.kept.length;
    if (before > 0) this.kept.append(chunk);
    const bytes = before === 0
      ? chunk
      : this.kept.bytes.subarray(0, this.kept.length);
    for (let at = before; at < PREFACE.length && at < bytes.length; at++) {
      if (bytes[at] !== PREFACE[at]) {
        throw invalid(`byte ${bytes[at]} at ${at} of the preface`);
      }
    }
    const total = bytes.length < PREFIX_BYTES
      ? Number.POSITIVE_INFINITY
      : PREFIX_BYTES + announcedLength(bytes);
    if (bytes.length < total) {
      if (before === 0) this.kept.append(chunk);
      return null;
    }
    const header = decodeHeader(bytes.subarray(PREFIX_BYTES, total));
    this.kept.clear();
    return { header, consumed: total - before };
  }
}

function announcedLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(PREFACE.length);
  if (length > MAX_HEADER_BYTES) {
    throw invalid(
      `a length of ${length}, expected ${MAX_HEADER_BYTES} at most`,
    );
  }
  return length;
}

function invalid(found: string): Problem {
  return new Problem(
    "protocol.invalid",
    `Cannot read transport header: found ${found}`,
  );
}
