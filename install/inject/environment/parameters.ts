import type { ProxyValues } from "../../../schemas/values/proxy.ts";
import { type EnvVar, set } from "./variable.ts";

/** Parameters by name: `server.http2.keepAliveInterval` becomes `..._SERVER_HTTP2_KEEP_ALIVE_INTERVAL`. */
export function parameters(
  direction: "INBOUND" | "OUTBOUND",
  scopes: ProxyValues["inbound"],
): EnvVar[] {
  return sorted(scopes).flatMap(([scope, protocols]) =>
    sorted(protocols).flatMap(([protocol, fields]) =>
      sorted(fields).map(([name, value]) =>
        set(
          `LINKERD2_PROXY_${direction}_${upperSnake(scope)}_${
            upperSnake(protocol)
          }_${upperSnake(name)}`,
          value,
        )
      )
    )
  );
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1);
}

function upperSnake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
}
