import { Field, type FieldCache, NameFlag } from "../http/field.ts";
import { Hop, isHopByHop, splitHop } from "../http/hop-by-hop.ts";
import { HOST, METHOD, RequestHead, type Version } from "../http/message.ts";
import { BARE_LF, parseFieldLine } from "./field-line.ts";
import { Framing, TRANSFER_ENCODING } from "./framing.ts";
import {
  MAX_FIELDS,
  MAX_HEAD_BYTES,
  MAX_METHOD_BYTES,
  MAX_TARGET_BYTES,
} from "./limits.ts";
import { INCOMPLETE, LineReader } from "./line-reader.ts";
import { consistsOf, CR, SP, startsWith, TOKEN } from "./octets.ts";
import { Refusal } from "./refusal.ts";
import { parseOriginForm, parseOtherForm } from "./request-target.ts";

/** Reads request heads from one connection, one at a time, resumable at every byte. */
export class RequestParser {
  /** The head, after `parse` has completed one: without hop-by-hop fields. */
  head: RequestHead | null = null;
  /** Whether a body follows, chunked or of `head.contentLength` bytes. */
  chunked = false;
  hasBody = false;
  /** Whether the client wants the connection kept after the answer. */
  keepAlive = false;
  private readonly cache: FieldCache;
  private readonly lines = new LineReader(MAX_HEAD_BYTES);
  private readonly framing = new Framing();
  private draft: RequestHead | null = null;
  private fields: Field[] = [];
  private hasHopByHop = false;
  private skippedBlank = false;

  constructor(cache: FieldCache) {
    this.cache = cache;
  }

  /** True while part of a head has been read. */
  get started(): boolean {
    return this.lines.total > 0;
  }

  /** The offset behind the head, or `INCOMPLETE` when the chunk ends within it; throws `Refusal`. */
  parse(chunk: Uint8Array, from: number): number {
    const { lines } = this;
    let at = from;
    while (at < chunk.length) {
      at = lines.next(chunk, at);
      if (at === INCOMPLETE) return INCOMPLETE;
      const { bytes, start, end } = lines;
      if (end - start > 2) {
        if (this.draft === null) this.readRequestLine(bytes, start, end);
        else {this.readField(
            this.draft,
            parseFieldLine(bytes, start, end, this.cache),
          );}
      } else if (bytes[start] !== CR) {
        throw new Refusal(400, BARE_LF);
      } else if (this.draft !== null) {
        this.finish(this.draft);
        return at;
      } else if (this.skippedBlank) {
        throw new Refusal(400, "Cannot read request: found empty lines");
      } else {
        // RFC 9112 2.2: one empty line before a request is an old client's slip.
        this.skippedBlank = true;
      }
    }
    return INCOMPLETE;
  }

  private readRequestLine(
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (bytes[end - 2] !== CR) throw new Refusal(400, BARE_LF);
    const methodEnd = bytes.indexOf(SP, start);
    const targetEnd = end - 2 - VERSION_LENGTH - 1;
    if (
      methodEnd <= start || methodEnd >= targetEnd ||
      bytes[targetEnd] !== SP || !startsWith(bytes, targetEnd + 1, HTTP)
    ) {
      throw new Refusal(
        400,
        "Cannot read request line: expected method, target and HTTP/1.1",
      );
    }
    const version = parseVersion(bytes, targetEnd + 1);
    const method = parseMethod(bytes, start, methodEnd);
    const targetStart = methodEnd + 1;
    if (targetEnd - targetStart > MAX_TARGET_BYTES) {
      throw new Refusal(
        414,
        `Cannot read request target: longer than ${MAX_TARGET_BYTES} bytes`,
      );
    }
    const { fields } = this;
    const path = method === CONNECT
      ? null
      : parseOriginForm(bytes, targetStart, targetEnd, this.cache);
    if (path !== null) {
      this.draft = new RequestHead(version, method, path, fields);
      return;
    }
    if (method === CONNECT && version !== "1.1") {
      throw new Refusal(400, "Cannot CONNECT: expected HTTP/1.1");
    }
    const target = parseOtherForm(
      method.text,
      bytes.slice(targetStart, targetEnd),
    );
    const draft = new RequestHead(version, method, target.path, fields);
    draft.scheme = target.scheme;
    draft.authority = target.authority;
    draft.absolute = target.authority !== null;
    draft.upgrade = method === CONNECT;
    this.draft = draft;
  }

  private readField(draft: RequestHead, field: Field): void {
    if (field.name === HOST) {
      if (draft.host !== null) {
        throw new Refusal(400, "Cannot read request: found two host fields");
      }
      draft.host = field;
      return;
    }
    if ((field.name.flags & NameFlag.framing) !== 0) this.framing.add(field);
    else if (isHopByHop(field)) this.hasHopByHop = true;
    if (field.name !== TRANSFER_ENCODING) this.fields.push(field);
    if (this.fields.length > MAX_FIELDS) {
      throw new Refusal(
        431,
        `Cannot read request: more than ${MAX_FIELDS} fields`,
      );
    }
  }

  private finish(head: RequestHead): void {
    const { contentLength, chunked } = this.framing;
    const modern = head.version === "1.1";
    if (modern && head.host === null) {
      throw new Refusal(400, "Cannot read request: found no host field");
    }
    if (chunked && !modern) {
      throw new Refusal(
        400,
        "Cannot read request: found transfer-encoding in HTTP/1.0",
      );
    }
    head.contentLength = contentLength;
    this.chunked = chunked;
    this.hasBody = chunked || contentLength > 0;
    if (this.hasBody && head.method === CONNECT) {
      throw new Refusal(400, "Cannot CONNECT: found a request body");
    }
    this.keepAlive = modern;
    if (this.hasHopByHop) {
      const hop = splitHop(head.fields, modern && head.method !== CONNECT);
      head.upgrade ||= (hop & Hop.upgrade) !== 0;
      this.keepAlive = (hop & Hop.close) === 0 &&
        (modern || (hop & Hop.keepAlive) !== 0);
    }
    this.head = head;
    this.reset();
  }

  private reset(): void {
    this.lines.reset();
    this.framing.reset();
    this.draft = null;
    this.fields = [];
    this.hasHopByHop = false;
    this.skippedBlank = false;
  }
}

function parseVersion(bytes: Uint8Array, at: number): Version {
  const major = bytes[at + HTTP.length];
  const dot = bytes[at + HTTP.length + 1];
  const minor = bytes[at + HTTP.length + 2];
  if (major === ONE && dot === DOT && minor === ONE) return "1.1";
  if (major === ONE && dot === DOT && minor === ZERO) return "1.0";
  throw new Refusal(
    dot === DOT && isDigit(major) && isDigit(minor) ? 505 : 400,
    "Cannot read request line: expected HTTP/1.0 or HTTP/1.1",
  );
}

function parseMethod(bytes: Uint8Array, start: number, end: number): Field {
  for (const method of COMMON_METHODS) {
    if (
      method.value.length === end - start &&
      startsWith(bytes, start, method.value)
    ) return method;
  }
  if (!consistsOf(TOKEN, bytes, start, end)) {
    throw new Refusal(400, "Cannot read request line: found a bad method");
  }
  if (end - start > MAX_METHOD_BYTES) {
    throw new Refusal(
      501,
      `Cannot read request line: method longer than ${MAX_METHOD_BYTES} bytes`,
    );
  }
  return new Field(METHOD, bytes.slice(start, end));
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= ZERO && octet <= ZERO + 9;
}

const encoder = new TextEncoder();
const HTTP = encoder.encode("HTTP/");
const VERSION_LENGTH = "HTTP/1.1".length;
const ZERO = 0x30;
const ONE = 0x31;
const DOT = 0x2e;
const COMMON_METHODS = [
  "GET",
  "POST",
  "PUT",
  "DELETE",
  "HEAD",
  "PATCH",
  "OPTIONS",
  "CONNECT",
].map((text) => {
  const method = new Field(METHOD, encoder.encode(text));
  method.repeated = true;
  return method;
});
const CONNECT = COMMON_METHODS.find((method) => method.text === "CONNECT");
