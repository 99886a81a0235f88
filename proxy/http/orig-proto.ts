import { Field, Name } from "./field.ts";
import { dropFields, findField, setField } from "./fields.ts";
import {
  HOST,
  type OrigProto,
  RequestHead,
  type ResponseHead,
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

/** Marks an HTTP/1 request for the other proxy; genuine HTTP/2 is left alone. */
export function upgradeRequest(head: RequestHead): void {
  if (head.version === "2") return;
  const { origin, absolute } = ORIG[head.version];
  const mark = head.absolute ? absolute : origin;
  setField(head.fields, mark);
  head.orig = MARKS.get(mark.text) ?? null;
}

/** Takes the mark off again, for an endpoint that gets the request as HTTP/1. */
export function keepRequest(head: RequestHead): void {
  if (!isUpgraded(head)) return;
  dropFields(head.fields, ORIG_PROTO);
  head.orig = null;
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

/** Reads the mark of a request that came from another proxy; null when it is genuine HTTP/2. */
export function origProto(head: RequestHead): OrigProto | null {
  if (head.orig === undefined) {
    const mark = findField(head.fields, ORIG_PROTO);
    head.orig = mark === null ? null : MARKS.get(mark.text) ?? null;
  }
  return head.orig;
}

/** Makes an upgraded request HTTP/1 again: version, target form and Host restored, the mark removed. */
export function downgradeRequest(head: RequestHead, orig: OrigProto): void {
  dropFields(head.fields, ORIG_PROTO);
  head.version = orig.version;
  head.absolute = orig.absolute;
  head.host ??= head.authority?.renamed(HOST) ?? null;
  if (!orig.absolute) head.authority = null;
}

/** Marks the response to a downgraded request. */
export function markResponse(head: ResponseHead, orig: OrigProto): void {
  setField(head.fields, ORIG[orig.version].origin);
}

/** A copy with other fields and the same body. */
export function copyHead(head: RequestHead, fields: Field[]): RequestHead {
  const { version, method, path } = head;
  const copy = new RequestHead(version, method, path, fields);
  copy.scheme = head.scheme;
  copy.authority = head.authority;
  copy.host = head.host;
  copy.absolute = head.absolute;
  copy.contentLength = head.contentLength;
  copy.upgrade = head.upgrade;
  copy.trace = head.trace;
  return copy;
}
