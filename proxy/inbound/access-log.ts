import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
import { type Field, Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import { FollowedExchange } from "../http/followed-exchange.ts";
import type { Exchange, RequestHead } from "../http/message.ts";
import type { Output } from "../log/output.ts";

/** Who asks, as far as a connection tells. */
export interface Asker {
  readonly address: SocketAddress;
  /** The name that mutual TLS proved; null without one. */
  readonly id: string | null;
}

/** Writes a line for every request, when its response has ended. */
export interface AccessLog {
  /** The exchange to answer in place of this one. */
  follow(exchange: Exchange, asker: Asker): Exchange;
}

const USER_AGENT = Name.of("user-agent");
/** The first that is there names the trace (facts 6.10). */
const TRACE_IDS = ["x-b3-traceid", "x-request-id", "x-amzn-trace-id"]
  .map((name) => Name.of(name));

/** Longer texts are cut: a line is for people, and one request must not fill the disk of its node. */
const MAX_TEXT = 2_048;

/** An access log in Linkerd's two forms (facts 6.10). */
export function createAccessLog(
  format: "apache" | "json",
  output: Pick<Output, "write">,
  now: () => number,
): AccessLog {
  const line = format === "json" ? jsonLine : apacheLine;
  return {
    follow: (exchange, asker) =>
      new Logged(
        exchange,
        { asker, timestampMs: now(), ...requestOf(exchange.head) },
        (access) => output.write(`${line(access)}\n`),
      ),
  };
}

/** What is known of a request when it comes; stages behind edit its head. */
interface Request {
  readonly method: string;
  readonly uri: string;
  readonly version: string;
  readonly host: string;
  readonly userAgent: string;
  readonly traceId: string;
}

interface Access extends Request {
  readonly asker: Asker;
  readonly timestampMs: number;
  /** 0 when there was no response. */
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly totalMs: number;
  /** Until the head of the response. */
  readonly processingMs: number;
}

const VERSIONS = { "1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2.0" };

function requestOf(head: RequestHead): Request {
  const { scheme, authority, path } = head;
  const host = authority ?? head.host;
  const isWhole = head.absolute || head.version === "2";
  const traceId = TRACE_IDS.map((name) => findField(head.fields, name))
    .find((field) => field !== null) ?? null;
  return {
    method: head.method.text,
    uri: isWhole
      ? `${scheme?.text ?? "http"}://${textOf(host)}${path.text}`
      : path.text,
    version: VERSIONS[head.version],
    host: textOf(host),
    userAgent: textOf(findField(head.fields, USER_AGENT)),
    traceId: textOf(traceId),
  };
}

function textOf(field: Field | null): string {
  return field?.text ?? "";
}

/** An exchange that is written down at its end. */
class Logged extends FollowedExchange {
  readonly #known: Pick<Access, "asker" | "timestampMs"> & Request;
  readonly #write: (access: Access) => void;
  readonly #startedMs = performance.now();
  #headMs = 0;

  constructor(
    inner: Exchange,
    known: Pick<Access, "asker" | "timestampMs"> & Request,
    write: (access: Access) => void,
  ) {
    super(inner);
    this.#known = known;
    this.#write = write;
  }

  protected override answered(): void {
    this.#headMs = performance.now();
  }

  protected over(): void {
    const endedMs = performance.now();
    const { status, requestBytes, responseBytes } = this;
    this.#write({
      ...this.#known,
      status,
      requestBytes,
      responseBytes,
      totalMs: endedMs - this.#startedMs,
      processingMs: (this.#headMs || endedMs) - this.#startedMs,
    });
  }
}

/** `<client address> <client id> - [<time>] "<method> <URI> <version>" <status>` */
function apacheLine(access: Access): string {
  const { asker, method, uri, version, status } = access;
  const request = quoted(`${method} ${uri} ${version}`);
  return `${formatAddress(asker.address)} ${asker.id ?? "-"} - [${
    timeOf(access)
  }] ${request} ${status}`;
}

function jsonLine(access: Access): string {
  const { asker, requestBytes, responseBytes, totalMs, processingMs } = access;
  return JSON.stringify({
    "client.addr": formatAddress(asker.address),
    "client.id": asker.id ?? "-",
    timestamp: timeOf(access),
    method: cut(access.method),
    uri: cut(access.uri),
    version: access.version,
    trace_id: cut(access.traceId),
    request_bytes: String(requestBytes),
    status: access.status,
    response_bytes: String(responseBytes),
    total_ns: nanosOf(totalMs),
    processing_ns: nanosOf(processingMs),
    user_agent: cut(access.userAgent),
    host: cut(access.host),
  });
}

/** RFC 3339 with nanoseconds, of which the clock gives milliseconds. */
function timeOf({ timestampMs }: Access): string {
  return new Date(timestampMs).toISOString().replace("Z", "000000Z");
}

function nanosOf(ms: number): string {
  return String(Math.round(ms * 1_000_000));
}

/** In quotes, which the text itself cannot end; a field of HTTP has no line breaks. */
function quoted(text: string): string {
  return `"${cut(text).replaceAll(/["\\]/g, "\\$&")}"`;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
