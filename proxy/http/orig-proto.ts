import { Field, Name } from "./field.ts";
import {
  HOST,
  type OrigProto,
  RequestHead,
  ResponseHead,
  type Version,
} from "./message.ts";

/**
 * HTTP/1 carried as HTTP/2 between two proxies: `l5d-orig-proto` tells the far side what to restore (facts 4.3).
 */
export const ORIG_PROTO: Name = Name.of("l5d-orig-proto");
const ORIG: Readonly<
  Record<"1.0" | "1.1", { readonly origin: Field; readonly absolute: Field }>
> = {
  "1.0": {
    origin: Field.of("l5d-orig-proto", "HTTP/1.0"),
    absolute: Field.of("l5d-orig-proto", "HTTP/1.0; absolute-form"),
  },
  "1.1": {
    origin: Field.of("l5d-orig-proto", "HTTP/1.1"),
    absolute: Field.of("l5d-orig-proto", "HTTP/1.1; absolute-form"),
  },
};
// The same bytes go with every request: worth a place in the compression table.
for (const { origin, absolute } of Object.values(ORIG)) {
  origin.repeated = absolute.repeated = true;
}

/** An HTTP/1 request marked for the other proxy; HTTP/2 requests are returned as they are. */
export function upgradeRequest(head: RequestHead): RequestHead {
  if (head.version === "2") return head;
  const { origin, absolute } = ORIG[head.version];
  const mark = head.absolute ? absolute : origin;
  const marked = copyHead(head, head.version, [...head.fields, mark]);
  marked.orig = MARKS.get(mark.text) ?? null;
  return marked;
}

/** Whether `upgradeRequest` has marked it. */
export function isUpgraded({ orig }: RequestHead): boolean {
  return orig !== undefined && orig !== null;
}

const MARKS: ReadonlyMap<string, OrigProto> = new Map([
  ["HTTP/1.0", { version: "1.0", absolute: false }],
  ["HTTP/1.0; absolute-form", { version: "1.0", absolute: true }],
  ["HTTP/1.1", { version: "1.1", absolute: false }],
  ["HTTP/1.1; absolute-form", { version: "1.1", absolute: true }],
]);

/** Reads the marking of a request that came from another proxy; null when it is genuine HTTP/2. */
export function origProto(head: RequestHead): OrigProto | null {
  if (head.orig === undefined) {
    const mark = head.fields.find(({ name }) => name === ORIG_PROTO);
    head.orig = (mark && MARKS.get(mark.text)) ?? null;
  }
  return head.orig;
}

/** The HTTP/1 request that was upgraded, with `fields` for its own: target form and Host restored. */
export function downgradeRequest(
  head: RequestHead,
  orig: OrigProto,
  fields: readonly Field[],
): RequestHead {
  const restored = copyHead(head, orig.version, fields);
  restored.absolute = orig.absolute;
  restored.host = head.host ?? head.authority?.renamed(HOST) ?? null;
  if (!orig.absolute) restored.authority = null;
  return restored;
}

/** Marks the response to a downgraded request. */
export function markResponse(
  head: ResponseHead,
  orig: OrigProto,
): ResponseHead {
  return new ResponseHead(
    head.version,
    head.status,
    [...head.fields, ORIG[orig.version].origin],
    head.contentLength,
  );
}

/** A copy with other fields and the same body. */
export function copyHead(
  head: RequestHead,
  version: Version,
  fields: readonly Field[],
): RequestHead {
  const copy = new RequestHead(version, head.method, head.path, fields);
  copy.scheme = head.scheme;
  copy.authority = head.authority;
  copy.host = head.host;
  copy.absolute = head.absolute;
  copy.contentLength = head.contentLength;
  copy.upgrade = head.upgrade;
  return copy;
}
