import type { TapEvent } from "../../schemas/tap.ts";

/** The begin of a request for a path. */
export function tapEvent(path: string): TapEvent {
  const end = { ip: "10.0.0.1", port: 80, metadata: {} };
  return {
    source: end,
    destination: end,
    routeMeta: null,
    proxyDirection: "INBOUND",
    requestInitEvent: {
      id: { base: 1, stream: 1 },
      method: "GET",
      scheme: "http",
      authority: "web",
      path,
      headers: null,
    },
  };
}
