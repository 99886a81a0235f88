import type { Output } from "../channel.ts";
import { Field, Name, NameFlag } from "../http/field.ts";
import {
  AUTHORITY,
  HOST,
  RequestHead,
  ResponseHead,
  UNKNOWN_LENGTH,
} from "../http/message.ts";
import { type FieldBlock, parseDigits } from "./field-block.ts";
import type { HeaderEncoder } from "./hpack-encode.ts";

const CONTENT_LENGTH = Name.of("content-length");
const TE = Name.of("te");
const TE_TRAILERS = indexable("te", "trailers");
const SCHEME_HTTP = indexable(":scheme", "http");
/** `:status` fields by number, made when first used. */
const statuses: (Field | undefined)[] = [];
/** Never written from `fields`: they belong to one HTTP/1 connection, or are written otherwise. */
const SKIPPED = NameFlag.hopByHop | NameFlag.framing | NameFlag.pseudo;
const SLASH = 0x2f;
const asciiEncoder = new TextEncoder();

/** The request in a block, or what makes it malformed (RFC 9113 8.3.1). */
export function parseRequest(block: FieldBlock): RequestHead | string {
  const { method, path, scheme } = block;
  if (block.fault !== null) return block.fault;
  if (block.status !== null) return "a :status in a request";
  if (method === null) return "no :method";
  if (scheme === null) return "no :scheme";
  if (path === null) return "no :path";
  if (path.value[0] !== SLASH && !isAsterisk(method, path)) {
    return "a :path that does not begin with a slash";
  }
  const head = new RequestHead("2", method, path, block.fields);
  head.scheme = scheme;
  head.authority = block.authority;
  head.host = block.host;
  head.contentLength = block.contentLength;
  return head;
}

/** The response in a block, or what makes it malformed (RFC 9113 8.3.2). */
export function parseResponse(block: FieldBlock): ResponseHead | string {
  const { status } = block;
  if (block.fault !== null) return block.fault;
  if (status === null) return "no :status";
  if (
    block.method !== null || block.path !== null || block.scheme !== null ||
    block.authority !== null
  ) return "a pseudo-field of requests in a response";
  const code = parseDigits(status.value);
  if (code < 100 || code === 101) return `:status ${code}`;
  return new ResponseHead("2", code, block.fields, block.contentLength);
}

/** Writes the fields of a request, also of one that came over HTTP/1. */
export function writeRequest(
  encoder: HeaderEncoder,
  out: Output,
  head: RequestHead,
): void {
  const { authority, host } = head;
  encoder.begin(out);
  encoder.write(out, head.method);
  encoder.write(out, head.scheme ?? SCHEME_HTTP);
  if (authority !== null) encoder.write(out, authority);
  else if (host !== null && host.value.length > 0) {
    encoder.write(out, host.renamed(AUTHORITY));
  }
  encoder.write(out, head.path);
  if (authority !== null && host !== null && !haveSameValue(authority, host)) {
    encoder.write(out, host);
  }
  writeFields(encoder, out, head.fields, head.contentLength);
}

export function writeResponse(
  encoder: HeaderEncoder,
  out: Output,
  head: ResponseHead,
): void {
  encoder.begin(out);
  encoder.write(out, statusField(head.status));
  writeFields(encoder, out, head.fields, head.contentLength);
}

export function writeTrailers(
  encoder: HeaderEncoder,
  out: Output,
  trailers: readonly Field[],
): void {
  encoder.begin(out);
  writeFields(encoder, out, trailers, UNKNOWN_LENGTH);
}

/** The declared length is `contentLength`, whatever `fields` say (see `NameFlag.framing`). */
function writeFields(
  encoder: HeaderEncoder,
  out: Output,
  fields: readonly Field[],
  contentLength: number,
): void {
  let length: Field | null = null;
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at];
    if (field === undefined) continue;
    const { name } = field;
    if (name === TE) writeTe(encoder, out, field);
    else if (name === CONTENT_LENGTH) length = field;
    else if ((name.flags & SKIPPED) === 0 && name !== HOST) {
      encoder.write(out, field);
    }
  }
  if (contentLength !== UNKNOWN_LENGTH) {
    encoder.write(out, lengthField(length, contentLength));
  }
}

function lengthField(field: Field | null, length: number): Field {
  return field !== null && parseDigits(field.value) === length
    ? field
    : new Field(CONTENT_LENGTH, asciiEncoder.encode(String(length)));
}

/** Codings other than trailers are between HTTP/1 neighbours (RFC 9113 8.2.2). */
function writeTe(encoder: HeaderEncoder, out: Output, te: Field): void {
  if (acceptsTrailers(te)) encoder.write(out, TE_TRAILERS);
}

function acceptsTrailers(te: Field): boolean {
  return te.text.split(",").some((coding) =>
    coding.trim().toLowerCase() === "trailers"
  );
}

function statusField(status: number): Field {
  return statuses[status] ??= indexable(":status", String(status));
}

function indexable(name: string, value: string): Field {
  const field = Field.of(name, value);
  field.repeated = true;
  return field;
}

function isAsterisk(method: Field, path: Field): boolean {
  return path.text === "*" && method.text === "OPTIONS";
}

function haveSameValue(left: Field, right: Field): boolean {
  return left.value === right.value || left.text === right.text;
}
