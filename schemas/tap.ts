/** Live requests: what is asked of a tap, and what it shows. The shapes are those of `linkerd viz tap -o json`. */

/** What requests are shown, of those of the target that the address of the tap names. */
export interface TapFilter {
  /** A label selector of the target's pods; "" takes all. */
  readonly selector: string;
  /** Only what goes there; null: what the target gets and sends. */
  readonly to: TapTarget | null;
  /** Requests a second, over all pods of the target. */
  readonly maxRps: number;
  /** Null, of these four: any. */
  readonly scheme: string | null;
  readonly method: string | null;
  readonly authority: string | null;
  /** A prefix. */
  readonly path: string | null;
  /** Whether events have header fields. */
  readonly headers: boolean;
}

/** A kind of things in a namespace, or one of them. */
export interface TapTarget {
  /** As Kubernetes calls it, in lower case: `deployment`, `namespace`, `service` … */
  readonly kind: string;
  /** Null: all of the kind. */
  readonly name: string | null;
  readonly namespace: string;
}

/** What a proxy saw of a request: its begin, the begin of its response, or the end. One of the three events is there. */
export interface TapEvent {
  readonly source: TapEnd;
  readonly destination: TapEnd;
  /** Labels of the route, such as `route`; null when there is none. */
  readonly routeMeta: Labels | null;
  readonly proxyDirection: "INBOUND" | "OUTBOUND" | "UNKNOWN";
  readonly requestInitEvent?: {
    readonly id: TapId;
    readonly method: string;
    readonly scheme: string;
    readonly authority: string;
    readonly path: string;
    readonly headers: readonly TapField[] | null;
  };
  readonly responseInitEvent?: {
    readonly id: TapId;
    readonly sinceRequestInit: TapDuration;
    readonly httpStatus: number;
    readonly headers: readonly TapField[] | null;
  };
  readonly responseEndEvent?: {
    readonly id: TapId;
    readonly sinceRequestInit: TapDuration;
    readonly sinceResponseInit: TapDuration;
    readonly responseBytes: number;
    readonly trailers: readonly TapField[] | null;
    /** 0 when the end has none. */
    readonly grpcStatusCode: number;
    /** There when the exchange was reset: a code of HTTP/2. */
    readonly resetErrorCode?: number;
    /** There when the response is one of gRPC, whose status may be 0. */
    readonly isGrpc?: boolean;
  };
}

export interface TapEnd {
  readonly ip: string;
  readonly port: number;
  /** What is known of the peer, such as `pod`, `namespace`, `deployment` and `tls`. */
  readonly metadata: Labels;
}

export type Labels = Readonly<Record<string, string>>;

/** Events of one request have the same one. */
export interface TapId {
  readonly base: number;
  readonly stream: number;
}

/** Both left out when they are 0. */
export interface TapDuration {
  readonly seconds?: number;
  readonly nanos?: number;
}

/** A header field; `valueBin` is base64 of what is no text. */
export type TapField =
  | { readonly name: string; readonly valueStr: string }
  | { readonly name: string; readonly valueBin: string };

/** API groups of live requests and of golden metrics, which the metrics component serves behind the API server. */
export const TAP_GROUP = "tap.linkerd.io";
export const VIZ_GROUP = "viz.linkerd.io";
/** Of both. */
export const GROUP_VERSION = "v1alpha1";
/** In the `Status` of a refusal, the reason of the cause that says what to do. */
export const HINT = "Hint";

/**
 * Where a target is tapped, on the API server and on the demo's own port alike: POST a `TapFilter` as JSON there, and get
 * `TapEvent`s as JSON, a line each, and empty lines when there is nothing to show; `{"error": …}` is a last line. `*` stands
 * for all of a kind.
 */
export function tapPath({ kind, name, namespace }: TapTarget): string {
  const watched = `/apis/${TAP_GROUP}/${GROUP_VERSION}/watch/namespaces/${
    encodeURIComponent(namespace)
  }`;
  if (kind === "namespace") return `${watched}/tap`;
  const named = name === null ? "*" : encodeURIComponent(name);
  return `${watched}/${kind}s/${named}/tap`;
}

/** Where questions about golden metrics are asked: of a namespace, or of all (null). */
export function metricsPath(page: string, namespace: string | null): string {
  const within = namespace === null
    ? ""
    : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${VIZ_GROUP}/${GROUP_VERSION}${within}/metrics/${page}`;
}
