import { Field } from "../http/field.ts";
import type { RequestHead, ResponseHead } from "../http/message.ts";

/**
 * Bytes of authority, path and fields in an event. Fields are whole or left out; the others are cut. A head may have 64 KiB,
 * and of such events a reader who is slow for a moment would lose most.
 */
export const MAX_EVENT_BYTES = 16_384;
/** Longer ones are no names of hosts (RFC 1035 2.3.4), yet a client may send them. */
const MAX_AUTHORITY = 1_024;
/** Leaves room for fields that matter. */
const MAX_PATH = 12_288;

/** What requests are asked by. */
interface Asked {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
}

export function cut(
  authority: string,
  path: string,
): Pick<Asked, "authority" | "path"> {
  return {
    authority: authority.slice(0, MAX_AUTHORITY),
    path: path.slice(0, MAX_PATH),
  };
}

/** The fields of a request; those of HTTP/2 begin with what HTTP/1 has in its first line, as in Linkerd. */
export function requestFields(head: RequestHead, asked: Asked): Field[] {
  const { method, path, version, host, fields } = head;
  const used = asked.authority.length + asked.path.length;
  if (version !== "2") {
    return within(host === null ? fields : [host, ...fields], used);
  }
  return within([
    method,
    Field.of(":scheme", asked.scheme),
    Field.of(":authority", asked.authority),
    path,
    ...fields,
  ], used);
}

/** The same of a response. */
export function responseFields(head: ResponseHead): Field[] {
  const status = Field.of(":status", String(head.status));
  return within(
    head.version === "2" ? [status, ...head.fields] : head.fields,
  );
}

/** As many fields as fit. */
export function within(fields: readonly Field[], used = 0): Field[] {
  let bytes = used;
  return fields.filter(({ name, value }) => {
    const size = name.bytes.length + value.length;
    if (bytes + size > MAX_EVENT_BYTES) return false;
    bytes += size;
    return true;
  });
}
