import { Field, Name } from "./field.ts";
import { HOST, RequestHead, ResponseHead, type Version } from "./message.ts";

/**
 * HTTP/1 carried as HTTP/2 between two proxies: `l5d-orig-proto` tells the far side what to restore (facts 4.3).
 */
const ORIG_PROTO = Name.of("l5d-orig-proto");
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
  const upgraded = copyHead(head, head.version);
  upgraded.fields = [...head.fields, head.absolute ? absolute : origin];
  return upgraded;
}

/** What a downgraded request was: null when it is genuine HTTP/2. */
export interface OrigProto {
  readonly version: "1.0" | "1.1";
  readonly absolute: boolean;
}

/** Reads the marking of a request that came from another proxy. */
export function origProto(head: RequestHead): OrigProto | null {
  const mark = head.fields.find((field) => field.name === ORIG_PROTO);
  const match = mark === undefined
    ? null
    : /^HTTP\/(1\.[01])(; absolute-form)?$/.exec(mark.text);
  if (match === null) return null;
  return {
    version: match[1] === "1.0" ? "1.0" : "1.1",
    absolute: match[2] !== undefined,
  };
}

/** The HTTP/1 request that was upgraded: mark removed, target form and Host restored. */
export function downgradeRequest(
  head: RequestHead,
  orig: OrigProto,
): RequestHead {
  const restored = copyHead(head, orig.version);
  restored.fields = head.fields.filter((field) => field.name !== ORIG_PROTO);
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

/** Removes the mark from a response that came over an upgraded exchange. */
export function unmarkResponse(head: ResponseHead): ResponseHead {
  if (!head.fields.some((field) => field.name === ORIG_PROTO)) return head;
  const fields = head.fields.filter((field) => field.name !== ORIG_PROTO);
  return new ResponseHead(
    head.version,
    head.status,
    fields,
    head.contentLength,
  );
}

/** A copy to change, with the same body. */
export function copyHead(head: RequestHead, version: Version): RequestHead {
  const copy = new RequestHead(version, head.method, head.path, head.fields);
  copy.scheme = head.scheme;
  copy.authority = head.authority;
  copy.host = head.host;
  copy.absolute = head.absolute;
  copy.contentLength = head.contentLength;
  copy.upgrade = head.upgrade;
  return copy;
}
