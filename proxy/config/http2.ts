import { count, duration, flag, integer } from "./forms.ts";
import {
  optional,
  refine,
  section,
  type Setting,
  variable,
} from "./setting.ts";

/** Largest flow-control window (RFC 9113 6.9.1). */
const WINDOW_MAX = 2 ** 31 - 1;
/** A header list beyond this is an attack rather than a message. */
const HEADER_LIST_MAX = 16_777_216;

/** Flow-control windows we offer, in bytes. */
export interface Windows {
  readonly initialStreamWindowBytes: number;
  readonly initialConnectionWindowBytes: number;
}

/** How HTTP/2 connections that we accept behave; undefined means the codec's own default. */
export interface ServerHttp2 extends Windows {
  /** Both or none, as in Linkerd. */
  readonly keepAlive:
    | { readonly intervalMs: number; readonly timeoutMs: number }
    | null;
  readonly maxConcurrentStreams: number | undefined;
  readonly maxHeaderListBytes: number | undefined;
}

/** Windows below `<prefix>HTTP2_`; defaults are Linkerd's. */
function windows(prefix: string): {
  readonly [Field in keyof Windows]: Setting<number>;
} {
  const bytes = (name: string, fallback: number) =>
    optional(`${prefix}HTTP2_${name}`, integer(1, WINDOW_MAX), fallback);
  return {
    initialStreamWindowBytes: bytes("INITIAL_STREAM_WINDOW_SIZE", 65_535),
    initialConnectionWindowBytes: bytes(
      "INITIAL_CONNECTION_WINDOW_SIZE",
      1_048_576,
    ),
  };
}

/** Windows of connections that we dial. */
export const clientHttp2: Setting<Windows> = section<Windows>(windows(""));

/** Settings of connections accepted on one side. */
export function serverHttp2(
  side: "INBOUND" | "OUTBOUND",
): Setting<ServerHttp2> {
  const prefix = `${side}_SERVER_HTTP2_`;
  const size = (name: string, min: number, max: number) =>
    optional(prefix + name, integer(min, max), undefined);
  const settings = section<ServerHttp2>({
    ...windows(`${side}_SERVER_`),
    keepAlive: keepAlive(prefix),
    maxConcurrentStreams: optional(
      `${prefix}MAX_CONCURRENT_STREAMS`,
      count,
      undefined,
    ),
    maxHeaderListBytes: size("MAX_HEADER_LIST_SIZE", 1, HEADER_LIST_MAX),
  });
  const adaptive = optional(`${prefix}ADAPTIVE_FLOW_CONTROL`, flag, null);
  return refine(settings, (value, source) => {
    if (adaptive(source) === true) {
      source.warnings.push(
        `${
          variable(`${prefix}ADAPTIVE_FLOW_CONTROL`)
        } is ignored: windows have a fixed size in this version`,
      );
    }
    return value;
  });
}

function keepAlive(prefix: string): Setting<ServerHttp2["keepAlive"]> {
  const interval = optional(`${prefix}KEEP_ALIVE_INTERVAL`, duration, null);
  const timeout = optional(`${prefix}KEEP_ALIVE_TIMEOUT`, duration, null);
  return (source) => {
    const intervalMs = interval(source);
    const timeoutMs = timeout(source);
    return intervalMs === null || timeoutMs === null
      ? null
      : { intervalMs, timeoutMs };
  };
}
