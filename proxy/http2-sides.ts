import type { Config } from "./config.ts";
import type { Http2Options, Http2ServerOptions } from "./http2/options.ts";
import type { Families } from "./record/families.ts";
import { countViolations, type Http2Side } from "./record/http2.ts";

/** HTTP/2 of connections that are opened, as configured. */
export function clientHttp2(
  { clientHttp2: windows }: Config,
  { http2Violations }: Families,
  side: Http2Side,
): Http2Options {
  return {
    violated: countViolations(http2Violations, side),
    initialStreamWindow: windows.initialStreamWindowBytes,
    initialConnectionWindow: windows.initialConnectionWindowBytes,
  };
}

/** The same of connections that are accepted. */
export function serverHttp2(
  settings: Config["inbound"]["serverHttp2"],
  { http2Violations }: Families,
  side: Http2Side,
): Http2ServerOptions {
  const { keepAlive, maxConcurrentStreams, maxHeaderListBytes } = settings;
  return {
    violated: countViolations(http2Violations, side),
    initialStreamWindow: settings.initialStreamWindowBytes,
    initialConnectionWindow: settings.initialConnectionWindowBytes,
    ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
    ...(maxHeaderListBytes === undefined ? {} : { maxHeaderListBytes }),
    ...(keepAlive === null ? {} : {
      keepAlive: {
        keepAliveIntervalMs: keepAlive.intervalMs,
        keepAliveTimeoutMs: keepAlive.timeoutMs,
      },
    }),
  };
}
